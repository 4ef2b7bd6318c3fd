#include "core/work_pool.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "itm/error.hpp"

namespace {

TEST(WorkPool, RunsEveryUnitOnce) {
  for (const int threads : {1, 2, 5}) {
    std::vector<std::atomic<int>> hits(137);
    itm::for_each_unit(hits.size(), threads, [&](std::size_t i) { ++hits[i]; });
    for (const auto& hit : hits) {
      EXPECT_EQ(hit, 1);
    }
  }
}

TEST(WorkPool, DoesNothingForNoUnits) {
  itm::for_each_unit(0, 4, [](std::size_t) { FAIL() << "there is no unit to run"; });
}

TEST(WorkPool, RethrowsTheFailureOfTheLowestUnit) {
  for (const int threads : {1, 2, 4}) {
    try {
      itm::for_each_unit(64, threads, [](std::size_t i) {
        if (i >= 3) {
          throw std::runtime_error(std::to_string(i));
        }
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "3") << "units are handed out in order, so unit 3 always runs";
    }
  }
}

TEST(WorkPool, StopsHandingOutAfterAFailure) {
  std::atomic<int> started{0};
  EXPECT_THROW(itm::for_each_unit(100'000, 2,
                                  [&](std::size_t) {
                                    ++started;
                                    throw std::runtime_error("stop");
                                  }),
               std::runtime_error);
  EXPECT_LE(started, 4);
}

TEST(WorkPool, UnitsMakeCallsOfTheirOwnAndNobodyWaitsForEver) {
  for (const int threads : {1, 2, 3, 7}) {
    itm::WorkPool pool(threads);
    std::vector<std::atomic<int>> hits(12);
    pool.for_each(hits.size(), [&](std::size_t outer) {
      pool.for_each(outer, [&](std::size_t) { ++hits[outer]; });
      pool.for_each(3, [&](std::size_t) { ++hits[outer]; });
    });
    for (std::size_t outer = 0; outer < hits.size(); ++outer) {
      EXPECT_EQ(hits[outer], static_cast<int>(outer) + 3) << threads << " threads";
    }
  }
}

TEST(WorkPool, AnInnerFailureReachesTheOuterCaller) {
  itm::WorkPool pool(3);
  std::atomic<int> whole{0};
  EXPECT_THROW(pool.for_each(5,
                             [&](std::size_t outer) {
                               pool.for_each(20, [&](std::size_t inner) {
                                 if (outer == 2 && inner == 7) {
                                   throw std::runtime_error("inner");
                                 }
                               });
                               ++whole;
                             }),
               std::runtime_error);
  EXPECT_LE(whole, 4);
  int after = 0;
  pool.for_each(1, [&](std::size_t) { ++after; });
  EXPECT_EQ(after, 1) << "the pool goes on";
}

#ifndef ITM_SANITIZED  // a sanitizer's own memory knows no limit

/// The exit status says what was thrown: 3 where the work ended in one sentence.
[[noreturn]] void work_without_room_for_threads() {
  const rlimit none{std::size_t{64} << 20U, std::size_t{64} << 20U};  // less than is mapped already
  setrlimit(RLIMIT_AS, &none);
  std::atomic<int> ran{0};
  try {
    itm::for_each_unit(100, 64, [&](std::size_t) { ++ran; });
  } catch (const itm::DeviceError& error) {
    std::fputs(error.what(), stderr);
    std::_Exit(static_cast<int>(error.status()));
  } catch (const std::exception& error) {
    std::fputs(error.what(), stderr);
    std::_Exit(1);
  }
  std::_Exit(0);
}

TEST(WorkPool, SaysThatThereAreNoMoreThreads) {
  EXPECT_EXIT(work_without_room_for_threads(), ::testing::ExitedWithCode(3),
              "the system gives no more than [0-9]+ of 64 threads");
}

#endif

}  // namespace
