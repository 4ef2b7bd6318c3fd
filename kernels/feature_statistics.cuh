#pragma once
// Column statistics and dispersion of resident features (paper A.3), for all models of a launch at once. Rows are
// visited by class: `order` lists them class after class, cut into segments of at most `segment_rows` rows, so that
// class means need no atomics and every sum has a fixed order. float64 throughout, about a point inside the data.
//
//   shift_point      a point inside the data: the mean of up to 16 rows           thread per column
//   segment_moments  sum and square sum of a segment about it          (S, D) x 2   block per (segment, 128 columns)
//   finish_columns   mean, deviation, class means                      (D), (C, D)  thread per column
//   summarise        means over columns, the pooled deviation                        block per model
//   row_distances    distance of a standardised row to its class mean  (N)           warp per row
//   mean_distance    their mean: the dispersion                                      block per model
// Reads E twice; the rest is small. blockIdx.z (or y, x where there is no tile) = model. Reference:
// engine/measure_features.cpp.

#include <cmath>

#include "kernels/gather_rows.cuh"
#include "kernels/reduce.cuh"

namespace itm::ITM_KERNELS {

constexpr std::uint32_t segment_rows = 256;
constexpr unsigned column_threads = 128;

struct Segment {
  std::uint32_t label;
  std::uint32_t begin;  // in `order`
  std::uint32_t end;
};

struct SurveySummary {
  double feature_mean;
  double feature_variance;
  double pooled_scale;
  double dispersion;
  std::uint32_t constant_columns;
  std::uint32_t bad_columns;  // hold a NaN or an infinity, or overflow
};

struct Survey {
  const void* feature;
  Stored stored;
  bool pooled;  // --standardise global
  std::uint32_t rows;
  std::uint32_t dims;
  std::uint32_t classes;
  std::uint32_t segments;
  const std::uint32_t* feature_rows;   // plan row -> row of `feature`; null: identity
  const std::uint32_t* order;          // (N) plan rows, class after class
  const Segment* segment;              // (S)
  const std::uint32_t* class_segment;  // (C + 1) first segment of each class
  double* point;                       // (D)
  double* segment_sum;                 // (S, D)
  double* segment_square;              // (S, D)
  double* class_mean;                  // (C, D)
  double* mean;                        // (D)
  double* scale;                       // (D)
  double* variance;                    // (D)
  double* distance;                    // (N)
  SurveySummary* summary;
};

template <typename Element>
__device__ inline double survey_element(const Survey& s, std::uint32_t plan_row, std::uint32_t d) {
  const std::uint32_t row = s.feature_rows == nullptr ? plan_row : s.feature_rows[plan_row];
  return element<Element>(s.feature, static_cast<std::size_t>(row) * s.dims + d);
}

ITM_KERNEL void shift_point(const Survey* surveys) {
  const Survey& s = surveys[blockIdx.y];
  const std::uint32_t d = blockIdx.x * column_threads + threadIdx.x;
  if (d >= s.dims) {
    return;
  }
  const std::uint32_t probes = s.rows < 16 ? s.rows : 16;
  double sum = 0;
  as_stored(s.stored, [&](auto kind) {
    for (std::uint32_t p = 0; p < probes; ++p) {
      const auto row = static_cast<std::uint32_t>(static_cast<std::uint64_t>(p) * s.rows / probes);
      sum += survey_element<decltype(kind)>(s, row, d);
    }
  });
  s.point[d] = sum / probes;
}

ITM_KERNEL void segment_moments(const Survey* surveys) {
  const Survey& s = surveys[blockIdx.z];
  const std::uint32_t d = blockIdx.y * column_threads + threadIdx.x;
  if (blockIdx.x >= s.segments || d >= s.dims) {
    return;
  }
  const Segment segment = s.segment[blockIdx.x];
  const double point = s.point[d];
  double sum = 0;
  double square = 0;
  as_stored(s.stored, [&](auto kind) {
    for (std::uint32_t i = segment.begin; i < segment.end; ++i) {
      const double v = survey_element<decltype(kind)>(s, s.order[i], d) - point;
      sum += v;
      square += v * v;
    }
  });
  const std::size_t at = static_cast<std::size_t>(blockIdx.x) * s.dims + d;
  s.segment_sum[at] = sum;
  s.segment_square[at] = square;
}

ITM_KERNEL void finish_columns(const Survey* surveys) {
  const Survey& s = surveys[blockIdx.y];
  const std::uint32_t d = blockIdx.x * column_threads + threadIdx.x;
  if (d >= s.dims) {
    return;
  }
  double total = 0;
  double square = 0;
  for (std::uint32_t c = 0; c < s.classes; ++c) {
    double sum = 0;
    for (std::uint32_t i = s.class_segment[c]; i < s.class_segment[c + 1]; ++i) {
      sum += s.segment_sum[static_cast<std::size_t>(i) * s.dims + d];
      square += s.segment_square[static_cast<std::size_t>(i) * s.dims + d];
    }
    total += sum;
    double size = 0;
    if (s.class_segment[c] < s.class_segment[c + 1]) {
      size = s.segment[s.class_segment[c + 1] - 1].end - s.segment[s.class_segment[c]].begin;
    }
    s.class_mean[static_cast<std::size_t>(c) * s.dims + d] = (size > 0 ? sum / size : 0.0) + s.point[d];
  }
  const double mean = total / s.rows;
  const double variance = (square - total * mean) / (s.rows - 1.0);
  s.mean[d] = mean + s.point[d];
  s.variance[d] = variance > 0 || !std::isfinite(variance) ? variance : 0.0;
}

constexpr double smallest_deviation = 1e-6;

__device__ inline double inverse_deviation(double variance) {
  const double deviation = std::sqrt(variance);
  return 1.0 / (deviation > smallest_deviation ? deviation : smallest_deviation);
}

ITM_KERNEL void summarise(const Survey* surveys) {
  __shared__ double scratch[column_threads / warp_size];
  const Survey& s = surveys[blockIdx.x];
  double mean = 0;
  double variance = 0;
  double constant = 0;
  double bad = 0;
  for (std::uint32_t d = threadIdx.x; d < s.dims; d += column_threads) {
    mean += s.mean[d];
    variance += s.variance[d];
    constant += std::sqrt(s.variance[d]) <= smallest_deviation ? 1 : 0;
    bad += std::isfinite(s.variance[d]) ? 0 : 1;
  }
  mean = block_sum<column_threads>(mean, scratch) / s.dims;
  variance = block_sum<column_threads>(variance, scratch) / s.dims;
  constant = block_sum<column_threads>(constant, scratch);
  bad = block_sum<column_threads>(bad, scratch);
  const double pooled = inverse_deviation(variance);
  for (std::uint32_t d = threadIdx.x; d < s.dims; d += column_threads) {
    s.scale[d] = s.pooled ? pooled : inverse_deviation(s.variance[d]);
  }
  if (threadIdx.x == 0) {
    *s.summary = {mean, variance, pooled, 0, static_cast<std::uint32_t>(constant), static_cast<std::uint32_t>(bad)};
  }
}

ITM_KERNEL void row_distances(const Survey* surveys) {
  const Survey& s = surveys[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  if (i >= s.rows) {
    return;
  }
  // The segment that holds position i: segments are sorted by their begin.
  std::uint32_t low = 0;
  std::uint32_t high = s.segments;
  while (high - low > 1) {
    const std::uint32_t middle = (low + high) / 2;
    (s.segment[middle].begin <= i ? low : high) = middle;
  }
  const double* mean = s.class_mean + static_cast<std::size_t>(s.segment[low].label) * s.dims;
  const std::uint32_t row = s.order[i];
  double sum = 0;
  as_stored(s.stored, [&](auto kind) {
    for (std::uint32_t d = threadIdx.x; d < s.dims; d += warp_size) {
      const double v = (survey_element<decltype(kind)>(s, row, d) - mean[d]) * s.scale[d];
      sum += v * v;
    }
  });
  sum = warp_sum(sum);
  if (threadIdx.x == 0) {
    s.distance[i] = std::sqrt(sum);
  }
}

ITM_KERNEL void mean_distance(const Survey* surveys) {
  __shared__ double scratch[column_threads / warp_size];
  const Survey& s = surveys[blockIdx.x];
  double sum = 0;
  for (std::uint32_t i = threadIdx.x; i < s.rows; i += column_threads) {
    sum += s.distance[i];
  }
  sum = block_sum<column_threads>(sum, scratch);
  if (threadIdx.x == 0) {
    s.summary->dispersion = sum / s.rows;
  }
}

/// All of the above for `count` models of at most `dims` columns, `rows` rows and `segments` segments.
inline void launch_feature_statistics(DeviceApi& api, const Survey* surveys, std::size_t count, std::uint32_t dims,
                                      std::uint32_t rows, std::uint32_t segments) {
  const auto models = static_cast<unsigned>(count);
  const unsigned columns = tiles(dims, column_threads);
  launch(api, shift_point, dim3(columns, models), dim3(column_threads), surveys);
  launch(api, segment_moments, dim3(segments, columns, models), dim3(column_threads), surveys);
  launch(api, finish_columns, dim3(columns, models), dim3(column_threads), surveys);
  launch(api, summarise, dim3(models), dim3(column_threads), surveys);
  launch(api, row_distances, row_grid(rows, count), row_block(), surveys);
  launch(api, mean_distance, dim3(models), dim3(column_threads), surveys);
}

}  // namespace itm::ITM_KERNELS
