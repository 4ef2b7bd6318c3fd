// The CPU's nearest rows on data that float32 cannot tell apart, against every distance in float64.

#include "device/cpu_neighbours.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "device/cpu_rows.hpp"

namespace {

using itm::ConstView;
using itm::Neighbourhoods;
using itm::View;
using Numbers = std::vector<double>;

struct Data {
  std::string name;
  std::size_t rows;
  std::size_t cols;
  Numbers x;
};

Data gaussian(std::string name, std::size_t rows, std::size_t cols, double scale = 1) {
  std::mt19937_64 generator(rows * cols);
  std::normal_distribution<double> normal;
  Data made{std::move(name), rows, cols, Numbers(rows * cols)};
  std::generate(made.x.begin(), made.x.end(), [&] { return scale * normal(generator); });
  return made;
}

Data changed(Data data, std::string name, const std::function<double(double value, std::size_t i, std::size_t j)>& f) {
  data.name = std::move(name);
  for (std::size_t at = 0; at < data.x.size(); ++at) {
    data.x[at] = f(data.x[at], at / data.cols, at % data.cols);
  }
  return data;
}

/// How many blocks and how often one checked for a stop.
struct Calls {
  std::size_t blocks = 0;
  std::size_t checkpoints = 0;
};

/// In blocks of a few rows that do not divide a tile.
itm::RowSource source_of(const Data& data, Calls& calls) {
  static constexpr std::size_t most = 75;
  itm::RowSource source{data.rows, data.cols, {}, [&calls] { ++calls.checkpoints; }};
  source.read = [&data, &calls](std::span<const std::uint32_t> wanted, const auto& block) {
    const std::size_t count = wanted.empty() ? data.rows : wanted.size();
    Numbers buffer(most * data.cols);
    for (std::size_t first = 0; first < count; first += most) {
      const std::size_t rows = std::min(most, count - first);
      for (std::size_t i = 0; i < rows; ++i) {
        const std::size_t row = wanted.empty() ? first + i : wanted[first + i];
        std::copy_n(data.x.data() + row * data.cols, data.cols, buffer.data() + i * data.cols);
      }
      ++calls.blocks;
      block({buffer.data(), rows, data.cols, data.cols}, first);
      std::fill(buffer.begin(), buffer.end(), std::nan(""));
    }
  };
  return source;
}

Neighbourhoods nearest(const Data& data, std::size_t count) {
  Calls calls;
  const itm::RowSource source = source_of(data, calls);
  Neighbourhoods all;
  const std::size_t few = std::min(count, data.rows);
  itm::cpu::nearest_rows(source, count, [&](std::size_t first, const Neighbourhoods& found) {
    EXPECT_EQ(first * few, all.rows.size()) << data.name << ": out of order";
    all.rows.insert(all.rows.end(), found.rows.begin(), found.rows.end());
    all.distances.insert(all.distances.end(), found.distances.begin(), found.distances.end());
  });
  return all;
}

Neighbourhoods full_search(const Data& data, std::size_t count) {
  const ConstView x(data.x.data(), data.rows, data.cols, data.cols);
  Neighbourhoods all;
  Numbers distance(data.rows);
  std::vector<std::int32_t> order(data.rows);
  for (std::size_t i = 0; i < data.rows; ++i) {
    itm::cpu::squared_distances(x.row(i), x, View(distance.data(), 1, data.rows, data.rows));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
      return distance[static_cast<std::size_t>(a)] < distance[static_cast<std::size_t>(b)];
    });
    for (std::size_t n = 0; n < std::min(count, data.rows); ++n) {
      all.rows.push_back(order[n]);
      all.distances.push_back(distance[static_cast<std::size_t>(order[n])]);
    }
  }
  return all;
}

void expect_full_search(const Data& data, std::size_t count) {
  const Neighbourhoods found = nearest(data, count);
  const Neighbourhoods all = full_search(data, count);
  ASSERT_EQ(found.rows.size(), all.rows.size()) << data.name;
  for (std::size_t at = 0; at < all.rows.size(); ++at) {
    ASSERT_EQ(found.rows[at], all.rows[at]) << data.name << ", row " << at / std::min(count, data.rows);
    ASSERT_EQ(found.distances[at], all.distances[at]) << data.name << ", row " << at / std::min(count, data.rows);
  }
}

std::vector<Data> hard_data() {
  const Data base = gaussian("ordinary", 700, 24);
  std::vector<Data> all{base, gaussian("one column", 900, 1), gaussian("few rows", 3, 9), gaussian("one row", 1, 4)};
  all.push_back(gaussian("tiny", 600, 24, 1e-30));
  all.push_back(gaussian("huge", 600, 24, 1e30));
  all.push_back(gaussian("vanishing squares", 600, 24, 1e-170));
  all.push_back(gaussian("squares beyond float64", 600, 24, 1e170));
  all.push_back(changed(base, "large and tiny rows", [](double v, std::size_t i, std::size_t) {
    return i % 3 == 0 ? v : i % 3 == 1 ? 1e-30 * v : 1e-12 * v;
  }));
  all.push_back(
      changed(base, "all equal", [](double, std::size_t, std::size_t j) { return 0.1 * static_cast<double>(j); }));
  all.push_back(changed(base, "zeros", [](double, std::size_t, std::size_t) { return 0.0; }));
  all.push_back(
      changed(base, "constant columns", [](double v, std::size_t, std::size_t j) { return j % 2 == 0 ? 3e5 : v; }));
  all.push_back(changed(base, "far from the origin", [](double v, std::size_t, std::size_t) { return 1e9 + v; }));
  all.push_back(
      changed(base, "farther than float64 sees", [](double v, std::size_t, std::size_t) { return 1e15 + v; }));
  all.push_back(changed(base, "two far clusters",
                        [](double v, std::size_t i, std::size_t) { return (i % 2 == 0 ? 1e6 : -1e6) + 1e-3 * v; }));
  all.push_back(
      changed(base, "a grid", [](double v, std::size_t, std::size_t j) { return j < 3 ? std::round(v) : 0; }));
  // Rows a unit of float32 apart, below what it can hold, and below what float64 products can tell.
  for (const double step : {0x1p-24, 0x1p-30, 0x1p-45, 0x1p-52}) {
    all.push_back(
        changed(base, "near ties of " + std::to_string(std::log2(step)), [&](double v, std::size_t i, std::size_t j) {
          return std::sin(static_cast<double>(i % 40 * 24 + j)) + step * std::round(v);
        }));
  }
  Data pairs = base;
  pairs.name = "duplicates";
  for (std::size_t i = 0; i < pairs.rows; i += 2) {
    std::copy_n(pairs.x.data() + i * pairs.cols, pairs.cols, pairs.x.data() + (i + 1) % pairs.rows * pairs.cols);
  }
  all.push_back(std::move(pairs));
  return all;
}

TEST(CpuNeighbours, AreThoseOfAFullSearchOnDataThatFloat32CannotTellApart) {
  for (const Data& data : hard_data()) {
    for (const std::size_t count : {std::size_t{2}, std::size_t{11}}) {
      expect_full_search(data, count);
    }
  }
}

TEST(CpuNeighbours, CountsBeyondATileAndBeyondTheRows) {
  const Data data = gaussian("many", 1100, 6);
  for (const std::size_t count : {std::size_t{1}, std::size_t{600}, std::size_t{1100}, std::size_t{5000}}) {
    expect_full_search(data, count);
  }
}

TEST(CpuNeighbours, ListsThatDoNotFitAreKeptForOneTileAtATime) {
  // 2 k + 64 candidates of 24 bytes for every row: more than 256 MiB.
  Data data = gaussian("long lists", 3300, 4);
  for (std::size_t i = 0; i < 40 * data.cols; ++i) {
    data.x[i] = 1 + 1e-9 * data.x[i];  // and some rows that float32 cannot tell apart
  }
  expect_full_search(data, 1700);
}

TEST(CpuNeighbours, AskWhetherToStop) {
  const Data data = gaussian("some", 1300, 3);
  Calls calls;
  itm::RowSource source = source_of(data, calls);
  itm::cpu::nearest_rows(source, 2, [](std::size_t, const Neighbourhoods&) {});
  EXPECT_GE(calls.checkpoints, 6U) << "once for every pair of tiles";
  source.checkpoint = [] { throw std::runtime_error("stop"); };
  EXPECT_THROW(itm::cpu::nearest_rows(source, 2, [](std::size_t, const Neighbourhoods&) {}), std::runtime_error);
}

/// The products of a screen must decide most of it: rows are read a few times, not once for every row.
TEST(CpuNeighbours, OrdinaryDataIsDecidedInFloat32) {
  const Data data = gaussian("ordinary", 1500, 64);
  Calls calls;
  const itm::RowSource source = source_of(data, calls);
  itm::cpu::nearest_rows(source, 2, [](std::size_t, const Neighbourhoods&) {});
  // Mean, tiles, and for each of three tiles its rows and its candidates.
  EXPECT_LE(calls.blocks, 20 + 21 + 21 + 3 * 14 + 6U);
}

}  // namespace
