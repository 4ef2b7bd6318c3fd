#include "core/work_pool.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
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

TEST(WorkPool, PiecesAreSharedAmongThreadsThatAreFree) {
  itm::WorkPool pool(4);
  std::mutex guard;
  std::set<std::thread::id> threads;
  std::vector<int> done(64);
  pool.for_each(1, [&](std::size_t) {
    for (int round = 0; round < 200 && threads.size() < 4; ++round) {  // the others may still be waking
      itm::WorkPool::share(done.size(), [&](std::size_t i) {
        ++done[i];
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        const std::lock_guard lock(guard);
        threads.insert(std::this_thread::get_id());
      });
    }
  });
  EXPECT_EQ(threads.size(), 4U);
  EXPECT_EQ(std::count(done.begin(), done.end(), done.front()), 64);
}

TEST(WorkPool, PiecesRunOnTheThreadAloneWhereThereIsNoPoolOrNobodyIsFree) {
  std::vector<std::thread::id> by(5);
  itm::WorkPool::share(5, [&](std::size_t i) { by[i] = std::this_thread::get_id(); });
  EXPECT_EQ(std::count(by.begin(), by.end(), std::this_thread::get_id()), 5);
  itm::WorkPool(1).for_each(
      1, [&](std::size_t) { itm::WorkPool::share(5, [&](std::size_t i) { by[i] = std::this_thread::get_id(); }); });
  EXPECT_EQ(std::count(by.begin(), by.end(), std::this_thread::get_id()), 5);
}

TEST(WorkPool, UnitsThatShareTheirPiecesSideBySideAllEnd) {
  std::atomic<int> sum = 0;
  itm::WorkPool(3).for_each(40, [&](std::size_t) {
    for (int round = 0; round < 20; ++round) {
      itm::WorkPool::share(7, [&](std::size_t) { ++sum; });
    }
  });
  EXPECT_EQ(sum, 40 * 20 * 7);
}

}  // namespace
