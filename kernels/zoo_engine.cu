#include "kernels/zoo_engine.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <mutex>
#include <numeric>
#include <set>
#include <utility>

#include "engine/plan_tools.hpp"
#include "kernels/feature_statistics.cuh"
#include "kernels/gpu_device.hpp"
#include "kernels/zoo_group.cuh"

namespace itm::ITM_KERNELS {
namespace {

/// Calls something on the way out.
template <typename Action>
class Finally {
 public:
  explicit Finally(Action action) : action_(std::move(action)) {}
  Finally(const Finally&) = delete;
  Finally& operator=(const Finally&) = delete;
  ~Finally() { action_(); }

 private:
  Action action_;
};

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

class ZooEngine final : public ItmEngine {
 public:
  ZooEngine(std::unique_ptr<DeviceApi> api, const ZooEngineOptions& options)
      : api_(std::move(api)),
        options_(options),
        resident_owner_(std::make_shared<ResidentFeatures>(*api_,
                                                           options.memory_budget > 0
                                                               ? std::min(options.memory_budget, api_->free_bytes())
                                                               : api_->free_bytes() / 10 * 9,
                                                           options.half_features)),
        resident_(*resident_owner_) {}

  [[nodiscard]] std::unique_ptr<Device> make_device(Arithmetic arithmetic) override {
    return make_gpu_device(api_->another(), resident_owner_, {arithmetic, options_.block_bytes, ledger_});
  }
  [[nodiscard]] DeviceCounts device_counts() const override { return ledger_->total(); }

  [[nodiscard]] std::string device() const override { return api_->name(); }

  [[nodiscard]] FeatureStatistics measure(const ItmFeatures& features, const Labels& labels,
                                          Standardise standardise) override {
    const FeatureShape shape = resident_.shape_of(features);
    const std::size_t rows = features.rows.empty() ? shape.rows : features.rows.size();
    if (rows != labels.values.size()) {
      return measure_features(features.open(), labels, standardise, features.rows);  // says what is wrong
    }
    const ClassOrder by_class(labels);
    const std::size_t dims = shape.dims;
    const std::size_t segments = by_class.segments.size();
    const std::size_t doubles = (2 * segments + labels.classes + 4) * dims + rows;
    const std::size_t extra = doubles * sizeof(double) + 2 * rows * sizeof(std::uint32_t) +
                              segments * (sizeof(Segment) + sizeof(std::uint32_t)) + (std::size_t{1} << 16);
    const ResidentFeatures::Request request{&features, extra};
    const ResidentFeatures::Lease lease = std::move(resident_.acquire({&request, 1}).front());
    const std::lock_guard lock(work_);

    const DeviceBuffer<std::uint32_t> feature_rows(
        *api_, std::vector<std::uint32_t>(features.rows.begin(), features.rows.end()));
    const DeviceBuffer<std::uint32_t> order(*api_, by_class.order);
    const DeviceBuffer<Segment> segment(*api_, by_class.segments);
    const DeviceBuffer<std::uint32_t> class_segment(*api_, by_class.class_segment);
    const DeviceBuffer<SurveySummary> summary(*api_, 1);
    const DeviceBuffer<double> room(*api_, doubles);
    double* at = room.data();
    const auto take = [&at](std::size_t count) { return std::exchange(at, at + count); };

    Survey s{};
    s.feature = lease.data();
    s.stored = shape.stored;
    s.pooled = standardise == Standardise::global;
    s.rows = static_cast<std::uint32_t>(rows);
    s.dims = static_cast<std::uint32_t>(dims);
    s.classes = static_cast<std::uint32_t>(labels.classes);
    s.segments = static_cast<std::uint32_t>(segments);
    s.feature_rows = feature_rows.data();
    s.order = order.data();
    s.segment = segment.data();
    s.class_segment = class_segment.data();
    s.segment_sum = take(segments * dims);
    s.segment_square = take(segments * dims);
    s.class_mean = take(labels.classes * dims);
    s.point = take(dims);
    s.mean = take(dims);
    s.scale = take(dims);
    s.variance = take(dims);
    s.distance = take(rows);
    s.summary = summary.data();
    const DeviceBuffer<Survey> survey(*api_, std::vector<Survey>{s});
    launch_feature_statistics(*api_, survey.data(), 1, s.dims, s.rows, s.segments);

    const SurveySummary found = summary.download().front();
    if (found.bad_columns > 0) {
      (void)measure_features(features.open(), labels, standardise, features.rows);  // names the row
      throw InputError(shape.source + ": holds values beyond 65,504, the largest float16; keep its own precision");
    }
    FeatureStatistics result;
    result.shift.resize(dims);
    result.scale.resize(dims);
    if (standardise == Standardise::none) {
      std::fill(result.scale.begin(), result.scale.end(), 1.0);
    } else {
      api_->download(result.shift.data(), s.mean, dims * sizeof(double));
      api_->download(result.scale.data(), s.scale, dims * sizeof(double));
    }
    result.dispersion = found.dispersion;
    result.feature_mean = found.feature_mean;
    result.feature_variance = found.feature_variance;
    result.constant_columns = found.constant_columns;
    return result;
  }

  [[nodiscard]] ItmPlan plan(const Labels& labels, const ItmOptions& options,
                             std::span<const std::uint8_t> held_out) override {
    const std::lock_guard lock(work_);
    const PlanTools tools{[this](std::size_t n, std::uint64_t seed, std::string_view stream) {
                            return permute(static_cast<std::uint32_t>(n), seed, stream);
                          },
                          [this](std::vector<double>& matrix, std::size_t n) { diagonalise(matrix, n); }};
    return make_plan_with(tools, labels, options, held_out);
  }

  [[nodiscard]] std::vector<ItmOutcome> run(std::span<const ItmTask> tasks, const ItmOptions& options,
                                            const std::function<void(double)>& progress) override {
    options.validate();
    std::vector<ItmOutcome> outcomes(tasks.size());
    std::vector<ItmTask> fitting;
    std::vector<std::size_t> number;  // in `tasks`
    std::vector<FeatureShape> features;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      try {
        features.push_back(check(tasks[i], options));
        fitting.push_back(tasks[i]);
        number.push_back(i);
      } catch (const Error&) {
        outcomes[i].failure = std::current_exception();
      }
    }
    const std::vector<LaneShape> shapes = shapes_of(fitting, features, options);
    const std::span<const ItmTask> all(fitting);
    resident_.follow(api_->free_bytes());
    std::size_t first = 0;
    std::size_t last = all.empty() ? 0 : end_of_wave(all, features, shapes, options, 0);
    while (first < all.size()) {
      const std::size_t next = last < all.size() ? end_of_wave(all, features, shapes, options, last) : last;
      const auto tell = [&](std::uint32_t done, std::uint32_t iterations) {
        if (progress) {
          const double of_wave = static_cast<double>(done) / static_cast<double>(iterations);
          progress((static_cast<double>(first) + of_wave * static_cast<double>(last - first)) /
                   static_cast<double>(all.size()));
        }
      };
      try {
        std::vector<ItmResult> wave = run_wave(all, shapes, options, first, last, all.subspan(last, next - last), tell);
        for (std::size_t i = 0; i < wave.size(); ++i) {
          outcomes[number[first + i]].result = std::move(wave[i]);
        }
        first = last;
        last = next;
      } catch (const OutOfDeviceMemory& error) {
        if (last - first > 1) {  // somebody else took what was counted on: half as much at once
          say(std::string(error.what()) + "; going on with " + std::to_string((last - first) / 2) + " of " +
              std::to_string(last - first) + " models at once");
          last = first + (last - first) / 2;
        } else {
          outcomes[number[first]].failure = std::current_exception();
          first = last;
          last = next;
        }
      }
    }
    return outcomes;
  }

 private:
  void say(const std::string& sentence) const {
    if (options_.say) {
      options_.say(sentence);
    }
  }

  std::vector<std::uint32_t> permute(std::uint32_t n, std::uint64_t seed, std::string_view stream) {
    const DeviceBuffer<std::uint64_t> keys(*api_, n);
    const DeviceBuffer<std::uint32_t> order(*api_, n);
    launch(*api_, permutation_keys, dim3(tiles(n, philox_threads)), dim3(philox_threads), seed,
           philox::stream_id(stream), n, keys.data(), order.data());
    api_->sort_by_key(keys.data(), order.data(), n);
    return order.download();
  }

  void diagonalise(std::vector<double>& matrix, std::size_t n) {
    const DeviceBuffer<double> on_device(*api_, matrix);
    api_->eigenvectors(on_device.data(), static_cast<int>(n));
    matrix = on_device.download();
  }

  [[nodiscard]] std::vector<LaneShape> shapes_of(std::span<const ItmTask> tasks,
                                                 const std::vector<FeatureShape>& features,
                                                 const ItmOptions& options) const {
    std::vector<LaneShape> shapes;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const ItmPlan& plan = *tasks[i].plan;
      const std::size_t classes = plan.labels.classes;
      LaneShape s;
      s.batch = static_cast<std::uint32_t>(plan.batch);
      s.dims = static_cast<std::uint32_t>(features[i].dims);
      s.pitch = rounded_up(features[i].dims, 4);
      s.classes = static_cast<std::uint32_t>(classes);
      s.width = rounded_up(classes, 4);
      s.gram = choose_recurrence(options.recurrence, plan.batch, classes, options.steps) == Recurrence::gram;
      shapes.push_back(s);
    }
    return shapes;
  }

  /// Bytes of a task besides its features: parameters, workspace, and what it brings to the device.
  [[nodiscard]] static std::size_t own_bytes(const ItmTask& task, const LaneShape& shape, const ItmOptions& options) {
    const ItmPlan& plan = *task.plan;
    const bool wide = options.precision == Precision::float64;
    const std::size_t element = wide ? sizeof(double) : sizeof(float);
    std::size_t bytes = wide ? workspace_bytes<double>(shape) + parameter_bytes<double>(shape)
                             : workspace_bytes<float>(shape) + parameter_bytes<float>(shape);
    bytes += 4 * (plan.labels.values.size() + plan.batches.size() + plan.validation.size() + task.features.rows.size());
    bytes += shape.head_w() * element;                // centres
    bytes += 16 * shape.dims + 24 * plan.iterations;  // statistics, schedule, losses
    if (task.observer.snapshot != nullptr) {
      bytes += plan.batch * plan.batch * element;
    }
    return bytes + (std::size_t{1} << 16);  // the rounding of small allocations
  }

  /// The shape of the task's features. Throws InputError where its parts do not fit together, DeviceError where it does
  /// not fit into the memory.
  [[nodiscard]] FeatureShape check(const ItmTask& task, const ItmOptions& options) {
    const FeatureShape f = resident_.shape_of(task.features);
    check_itm_inputs(f.source, f.rows, f.dims, *task.statistics, *task.plan, task.initial, task.features.rows);
    const std::size_t own = own_bytes(task, shapes_of({&task, 1}, {f}, options).front(), options);
    if (own + f.bytes() > resident_.budget()) {
      throw DeviceError(f.source + ": needs " + bytes_text(f.bytes()) + " for its features and " + bytes_text(own) +
                        " to train on " + api_->name() + ", of which " + bytes_text(resident_.budget()) +
                        " may be used; raise --memory-budget, lower --batch-size or pass --backend cpu");
    }
    return f;
  }

  /// One past the last task of the wave that starts at `first`: all that are left where they fit into the budget, else
  /// as many as leave room for the next wave's features to arrive meanwhile.
  [[nodiscard]] std::size_t end_of_wave(std::span<const ItmTask> tasks, const std::vector<FeatureShape>& features,
                                        const std::vector<LaneShape>& shapes, const ItmOptions& options,
                                        std::size_t first) const {
    std::set<std::string> keys;
    std::size_t used = 0;
    std::size_t comfortable = first;
    std::size_t i = first;
    // A grid has at most 65,535 rows: one for each lane, of which validation has several a model, or for each parameter
    // array, of which a model has four.
    const std::size_t most = 65'535 / std::max<std::size_t>(options_.validation_chunks, 4);
    const auto together = [&](std::size_t task) {
      return task < tasks.size() && task - first < most &&
             tasks[task].plan->iterations == tasks[first].plan->iterations;
    };
    for (; together(i); ++i) {
      const std::string& key = tasks[i].features.key;
      const bool shared = !key.empty() && !keys.insert(key).second;
      const std::size_t own = own_bytes(tasks[i], shapes[i], options);
      const std::size_t more = own + (shared ? 0 : features[i].bytes());
      if (used + more > resident_.budget()) {
        break;
      }
      used += more;
      comfortable = used <= resident_.budget() / 10 * 6 ? i + 1 : comfortable;
    }
    if (i < tasks.size() && comfortable > first) {
      return comfortable;
    }
    return std::max(i, first + 1);  // alone it fits, see check()
  }

  [[nodiscard]] std::vector<ItmResult> run_wave(std::span<const ItmTask> tasks, const std::vector<LaneShape>& shapes,
                                                const ItmOptions& options, std::size_t first, std::size_t last,
                                                std::span<const ItmTask> next_wave,
                                                const std::function<void(std::uint32_t, std::uint32_t)>& progress) {
    std::vector<ResidentFeatures::Request> requests;
    for (std::size_t i = first; i < last; ++i) {
      requests.push_back({&tasks[i].features, own_bytes(tasks[i], shapes[i], options)});
    }
    std::vector<ResidentFeatures::Lease> leases = resident_.acquire(requests);
    const std::lock_guard lock(work_);
    std::vector<Member> members;
    for (std::size_t i = first; i < last; ++i) {
      members.push_back({&tasks[i], shapes[i], std::move(leases[i - first])});
    }
    // Validation may use some of what is left: more chunks at once are fewer launches.
    const ResidentFeatures::Lease for_validation = resident_.take_spare(std::size_t{1} << 30);
    // The next wave's features travel while this one computes.
    std::atomic<bool> done = false;
    const std::future<void> upload = std::async(std::launch::async, [&] {
      for (const ItmTask& task : next_wave) {
        if (!done) {
          resident_.prefetch(task.features);
        }
      }
    });
    const Finally stop([&] { done = true; });
    const std::size_t limit = for_validation.extra();
    if (options.precision == Precision::float64) {
      return ZooGroup<double>(*api_, std::move(members), options, options_, limit).run(progress);
    }
    return ZooGroup<float>(*api_, std::move(members), options, options_, limit).run(progress);
  }

  std::unique_ptr<DeviceApi> api_;
  ZooEngineOptions options_;
  std::shared_ptr<DeviceLedger> ledger_ = std::make_shared<DeviceLedger>();
  std::shared_ptr<ResidentFeatures> resident_owner_;
  ResidentFeatures& resident_;
  std::mutex work_;  ///< one thread at a time issues work
};

}  // namespace

std::shared_ptr<ItmEngine> make_zoo_engine(std::unique_ptr<DeviceApi> api, const ZooEngineOptions& options) {
  return std::make_shared<ZooEngine>(std::move(api), options);
}

}  // namespace itm::ITM_KERNELS
