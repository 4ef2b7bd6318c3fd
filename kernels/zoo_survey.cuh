#pragma once
// The statistics of many models at once: what feature_statistics.cuh measures, in one launch a step for all of them,
// and what the host makes of it.

#include <algorithm>
#include <cstdint>
#include <exception>
#include <numeric>
#include <span>
#include <vector>

#include "itm/engine.hpp"
#include "itm/error.hpp"
#include "kernels/feature_statistics.cuh"
#include "kernels/resident_features.cuh"

namespace itm::ITM_KERNELS {

/// Rows by class, and the segments that the statistics walk (feature_statistics.cuh).
struct ClassOrder {
  std::vector<std::uint32_t> order;
  std::vector<Segment> segments;
  std::vector<std::uint32_t> class_segment;

  explicit ClassOrder(const Labels& labels) {
    std::vector<std::uint32_t> start(labels.classes + 1);
    for (const std::int32_t y : labels.values) {
      ++start[static_cast<std::size_t>(y) + 1];
    }
    std::partial_sum(start.begin(), start.end(), start.begin());
    std::vector<std::uint32_t> next(start);
    order.resize(labels.values.size());
    for (std::uint32_t row = 0; row < order.size(); ++row) {
      order[next[static_cast<std::size_t>(labels.values[row])]++] = row;
    }
    for (std::uint32_t y = 0; y < labels.classes; ++y) {
      class_segment.push_back(static_cast<std::uint32_t>(segments.size()));
      for (std::uint32_t begin = start[y]; begin < start[y + 1]; begin += segment_rows) {
        segments.push_back({y, begin, std::min(begin + segment_rows, start[y + 1])});
      }
    }
    class_segment.push_back(static_cast<std::uint32_t>(segments.size()));
  }
};

/// Bytes that the survey of a model needs beside its features, about.
[[nodiscard]] inline std::size_t survey_bytes(const Labels& labels, std::size_t dims) {
  const std::size_t rows = labels.values.size();
  const std::size_t segments = rows / segment_rows + labels.classes;
  const std::size_t doubles = (2 * segments + labels.classes + 4) * dims + rows;
  return doubles * sizeof(double) + 2 * rows * sizeof(std::uint32_t) + segments * sizeof(Segment) + (1U << 16);
}

/// Models that are surveyed together, their features on the device.
class ZooSurvey {
 public:
  ZooSurvey(DeviceApi& api, std::span<const ItmSurvey> models, std::span<const ResidentFeatures::Lease> features,
            Standardise standardise)
      : api_(api), models_(models), features_(features), standardise_(standardise) {}

  [[nodiscard]] std::vector<SurveyOutcome> run() {
    std::vector<ClassOrder> orders;
    std::vector<const Labels*> of;  // whose order each is: models of a data set share labels
    for (const ItmSurvey& model : models_) {
      if (std::find(of.begin(), of.end(), model.labels) == of.end()) {
        of.push_back(model.labels);
        orders.emplace_back(*model.labels);
      }
    }
    std::vector<Survey> surveys;
    const Survey* on_device = nullptr;
    double* results = nullptr;
    SurveySummary* summaries = nullptr;
    std::size_t result_count = 0;
    for (const ResidentFeatures::Lease& lease : features_) {
      result_count += 2 * lease.shape().dims;
    }
    const Arena arena(api_, [&](Layout& layout) {
      surveys.clear();
      results = layout.take<double>(result_count);
      summaries = layout.take<SurveySummary>(models_.size());
      std::vector<Survey> shared;
      for (const ClassOrder& order : orders) {
        Survey s{};
        s.order = layout.put(order.order);
        s.segment = layout.put(order.segments);
        s.class_segment = layout.put(order.class_segment);
        s.segments = static_cast<std::uint32_t>(order.segments.size());
        shared.push_back(s);
      }
      double* result = results;
      for (std::size_t i = 0; i < models_.size(); ++i) {
        const auto at = std::find(of.begin(), of.end(), models_[i].labels) - of.begin();
        surveys.push_back(lay_out(layout, shared[static_cast<std::size_t>(at)], i, result));
        surveys.back().summary = summaries + i;
        result += 2 * std::size_t{surveys.back().dims};
      }
      on_device = layout.put(surveys);
    });
    const auto largest = [&](auto count) {
      std::uint32_t most = 0;
      for (const Survey& s : surveys) {
        most = std::max(most, count(s));
      }
      return most;
    };
    launch_feature_statistics(api_, on_device, surveys.size(), largest([](const Survey& s) { return s.dims; }),
                              largest([](const Survey& s) { return s.rows; }),
                              largest([](const Survey& s) { return s.segments; }));
    std::vector<SurveySummary> found(models_.size());
    std::vector<double> columns(result_count);
    api_.download(found.data(), summaries, found.size() * sizeof(SurveySummary));
    api_.download(columns.data(), results, columns.size() * sizeof(double));
    std::vector<SurveyOutcome> outcomes(models_.size());
    const double* column = columns.data();
    for (std::size_t i = 0; i < models_.size(); ++i) {
      try {
        outcomes[i].statistics = statistics(i, found[i], column);
      } catch (const Error&) {
        outcomes[i].failure = std::current_exception();
      }
      column += 2 * std::size_t{surveys[i].dims};
    }
    return outcomes;
  }

 private:
  /// `result` has room for the means and scales.
  Survey lay_out(Layout& layout, Survey s, std::size_t model, double* result) const {
    const ItmSurvey& wanted = models_[model];
    const FeatureShape& shape = features_[model].shape();
    const std::size_t rows = wanted.labels->values.size();
    s.feature = features_[model].data();
    s.stored = shape.stored;
    s.pooled = standardise_ == Standardise::global;
    s.rows = static_cast<std::uint32_t>(rows);
    s.dims = static_cast<std::uint32_t>(shape.dims);
    s.classes = static_cast<std::uint32_t>(wanted.labels->classes);
    s.feature_rows = layout.put(wanted.features.rows);
    s.segment_sum = layout.take<double>(s.segments * shape.dims);
    s.segment_square = layout.take<double>(s.segments * shape.dims);
    s.class_mean = layout.take<double>(s.classes * shape.dims);
    s.point = layout.take<double>(shape.dims);
    s.variance = layout.take<double>(shape.dims);
    s.distance = layout.take<double>(rows);
    s.mean = result;
    s.scale = result + shape.dims;
    return s;
  }

  [[nodiscard]] FeatureStatistics statistics(std::size_t model, const SurveySummary& found,
                                             const double* columns) const {
    const ItmSurvey& wanted = models_[model];
    const FeatureShape& shape = features_[model].shape();
    if (found.bad_columns > 0) {
      (void)measure_features(wanted.features.open(), *wanted.labels, standardise_,
                             wanted.features.rows);  // names the row
      throw InputError(shape.source + ": holds values beyond 65,504, the largest float16; keep its own precision");
    }
    FeatureStatistics result;
    result.shift.resize(shape.dims);
    result.scale.resize(shape.dims, 1.0);
    if (standardise_ != Standardise::none) {
      std::copy_n(columns, shape.dims, result.shift.begin());
      std::copy_n(columns + shape.dims, shape.dims, result.scale.begin());
    }
    result.dispersion = found.dispersion;
    result.feature_mean = found.feature_mean;
    result.feature_variance = found.feature_variance;
    result.constant_columns = found.constant_columns;
    return result;
  }

  DeviceApi& api_;
  std::span<const ItmSurvey> models_;
  std::span<const ResidentFeatures::Lease> features_;
  Standardise standardise_;
};

}  // namespace itm::ITM_KERNELS
