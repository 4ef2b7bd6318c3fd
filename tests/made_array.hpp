#pragma once
// Feature matrices made in memory for tests.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "itm/array.hpp"
#include "itm/zoo.hpp"

namespace itm::testing {

/// A row-major array over a copy of `values`.
template <typename T>
Array made_array(const std::vector<T>& values, std::size_t rows, std::size_t cols,
                 const std::filesystem::path& name = "made.npy") {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  auto owner = std::make_shared<std::vector<T>>(values);
  const auto* data = reinterpret_cast<const std::byte*>(owner->data());
  return Array(name, sizeof(T) == 4 ? DType::f32 : DType::f64, false, {rows, cols}, false, data, owner);
}

/// Gaussian clusters: class means of length `separation` per column and unit noise. Deterministic.
struct MadeData {
  Labels labels;
  std::vector<float> values;  ///< rows x dims
  std::size_t rows = 0;
  std::size_t dims = 0;
  [[nodiscard]] Array array() const { return made_array(values, rows, dims); }
};

inline MadeData made_data(std::size_t rows, std::size_t dims, std::size_t classes, double separation,
                          std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> means(classes * dims);
  for (float& m : means) {
    m = static_cast<float>(separation) * normal(generator);
  }
  MadeData data{{}, std::vector<float>(rows * dims), rows, dims};
  data.labels.classes = classes;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t y = i % classes;
    data.labels.values.push_back(static_cast<std::int32_t>(y));
    for (std::size_t d = 0; d < dims; ++d) {
      data.values[i * dims + d] = means[y * dims + d] + normal(generator);
    }
  }
  return data;
}

}  // namespace itm::testing
