// Column statistics and dispersion of one feature matrix (paper A.3; spec 2, steps 1-3): two passes over the file,
// float64 accumulation, no standardised copy.

#include <algorithm>
#include <cmath>

#include "core/check_features.hpp"
#include "core/row_reader.hpp"
#include "core/simd.hpp"
#include "itm/itm.hpp"

namespace itm {
namespace {

constexpr double smallest_deviation = 1e-6;

/// One row of pass 1. Values are taken about `shift`, a point inside the data, so that squares do not cancel.
template <typename Stored>
ITM_CLONES void accumulate(const Stored* x, const double* shift, double* class_sum, double* square_sum,
                           std::size_t dims) {
  for (std::size_t d = 0; d < dims; ++d) {
    const double v = static_cast<double>(x[d]) - shift[d];
    class_sum[d] += v;
    square_sum[d] += v * v;
  }
}

/// One row of pass 2: squared distance of the standardised row to its standardised class mean.
template <typename Stored>
ITM_CLONES double squared_distance(const Stored* x, const double* class_mean, const double* scale, std::size_t dims) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t d = 0; d < dims; ++d) {
    const double v = (static_cast<double>(x[d]) - class_mean[d]) * scale[d];
    sum += v * v;
  }
  return sum;
}

/// Mean of 16 rows spread over the file: near enough to the column means for a stable shifted variance.
template <typename Stored>
std::vector<double> shift_point(RowReader<Stored>& reader, std::size_t dims) {
  const std::size_t probes = std::min<std::size_t>(16, reader.rows());
  std::vector<double> shift(dims);
  for (std::size_t p = 0; p < probes; ++p) {
    const Stored* x = reader.row(p * reader.rows() / probes);
    for (std::size_t d = 0; d < dims; ++d) {
      shift[d] += static_cast<double>(x[d]) / static_cast<double>(probes);
    }
  }
  return shift;
}

template <typename Stored>
FeatureStatistics measure(const Array& feature, const Labels& labels, Standardise standardise,
                          std::span<const std::uint32_t> rows) {
  RowReader<Stored> reader(feature, rows);
  const std::size_t n = reader.rows();
  const std::size_t dims = feature.cols();
  const std::size_t classes = labels.classes;
  const auto count = static_cast<double>(n);

  const std::vector<double> shift = shift_point(reader, dims);
  std::vector<double> class_mean(classes * dims);
  std::vector<double> class_size(classes);
  std::vector<double> square_sum(dims);
  for (std::size_t i = 0; i < n; ++i) {
    const auto c = static_cast<std::size_t>(labels.values[i]);
    accumulate(reader.row(i), shift.data(), class_mean.data() + c * dims, square_sum.data(), dims);
    class_size[c] += 1;
  }
  if (!std::all_of(square_sum.begin(), square_sum.end(), [](double v) { return std::isfinite(v); })) {
    refuse_bad_rows(feature);
  }

  std::vector<double> sum(dims);  // about the shift
  for (std::size_t c = 0; c < classes; ++c) {
    for (std::size_t d = 0; d < dims; ++d) {
      double& value = class_mean[c * dims + d];
      sum[d] += value;
      value = value / class_size[c] + shift[d];
    }
  }

  FeatureStatistics result;
  result.shift.resize(dims);
  result.scale.resize(dims);
  std::vector<double> dim_scale(dims);
  double variance_sum = 0;
  for (std::size_t d = 0; d < dims; ++d) {
    const double mean = sum[d] / count;
    const double variance = std::max(0.0, (square_sum[d] - sum[d] * mean) / (count - 1));
    result.shift[d] = mean + shift[d];
    dim_scale[d] = 1.0 / std::max(std::sqrt(variance), smallest_deviation);
    result.constant_columns += std::sqrt(variance) <= smallest_deviation ? 1 : 0;
    result.feature_mean += result.shift[d] / static_cast<double>(dims);
    variance_sum += variance;
  }
  result.feature_variance = variance_sum / static_cast<double>(dims);

  const double pooled = 1.0 / std::max(std::sqrt(result.feature_variance), smallest_deviation);
  result.scale = standardise == Standardise::global ? std::vector<double>(dims, pooled) : dim_scale;
  double distance_sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto c = static_cast<std::size_t>(labels.values[i]);
    distance_sum += std::sqrt(squared_distance(reader.row(i), class_mean.data() + c * dims, result.scale.data(), dims));
  }
  result.dispersion = distance_sum / count;
  if (standardise == Standardise::none) {
    std::fill(result.shift.begin(), result.shift.end(), 0.0);
    std::fill(result.scale.begin(), result.scale.end(), 1.0);
  }
  return result;
}

}  // namespace

FeatureStatistics measure_features(const Array& feature, const Labels& labels, Standardise standardise,
                                   std::span<const std::uint32_t> rows) {
  check_row_count(feature, rows, labels.values.size());
  return reads_as_double(feature) ? measure<double>(feature, labels, standardise, rows)
                                  : measure<float>(feature, labels, standardise, rows);
}

}  // namespace itm
