#include "kernels/zoo_engine.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <mutex>
#include <set>
#include <utility>

#include "core/precision_name.hpp"
#include "engine/plan_tools.hpp"
#include "kernels/gpu_device.hpp"
#include "kernels/wave.cuh"
#include "kernels/zoo_survey.cuh"

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

  [[nodiscard]] std::unique_ptr<Device> make_device(Precision precision) override {
    check_device_precision(precision);
    return make_gpu_device(api_->another(), resident_owner_, {precision, options_.block_bytes, ledger_});
  }
  [[nodiscard]] DeviceCounts device_counts() const override { return ledger_->total(); }

  [[nodiscard]] std::string device() const override { return api_->name(); }

  [[nodiscard]] std::vector<SurveyOutcome> survey(std::span<const ItmSurvey> models, Standardise standardise) override {
    std::vector<SurveyOutcome> outcomes;
    while (outcomes.size() < models.size()) {
      const std::span<const ItmSurvey> rest = models.subspan(outcomes.size());
      for (SurveyOutcome& outcome : survey_first(rest, rest.size(), standardise)) {
        outcomes.push_back(std::move(outcome));
      }
    }
    return outcomes;
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
        if (resident_.let_go()) {
          continue;  // once more, with the room of what earlier runs had left
        }
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

  /// Of the first models, as many of `most` as fit together; where something fails for several, of half as many.
  [[nodiscard]] std::vector<SurveyOutcome> survey_first(std::span<const ItmSurvey> models, std::size_t most,
                                                        Standardise standardise) {
    std::vector<ResidentFeatures::Request> requests;
    try {
      std::size_t used = 0;
      for (const ItmSurvey& model : models.first(most)) {
        const FeatureShape shape = resident_.shape_of(model.features);
        const std::size_t rows = model.features.rows.empty() ? shape.rows : model.features.rows.size();
        if (rows != model.labels->values.size()) {  // says what is wrong
          (void)measure_features(model.features.open(), *model.labels, standardise, model.features.rows);
        }
        const std::size_t extra = survey_bytes(*model.labels, shape.dims);
        used += shape.room() + extra;
        if (!requests.empty() && used > resident_.budget()) {
          break;
        }
        requests.push_back({&model.features, extra});
      }
      const std::vector<ResidentFeatures::Lease> leases = resident_.acquire(requests);
      const std::lock_guard lock(work_);
      return ZooSurvey(*api_, models.first(leases.size()), leases, standardise).run();
    } catch (const Error& error) {
      if (dynamic_cast<const OutOfDeviceMemory*>(&error) != nullptr && resident_.let_go()) {
        return survey_first(models, most, standardise);  // with the room of what earlier runs had left
      }
      const std::size_t tried = std::max<std::size_t>(requests.size(), 1);
      if (most > 1) {
        return survey_first(models, std::max<std::size_t>(std::min(tried, most - 1) / 2, 1), standardise);
      }
      return {{{}, std::current_exception()}};
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
    api_->eigenvectors({on_device.data(), n, n, n});
    matrix = on_device.download();
  }

  [[nodiscard]] std::vector<LaneShape> shapes_of(std::span<const ItmTask> tasks,
                                                 const std::vector<FeatureShape>& features,
                                                 const ItmOptions& options) const {
    std::vector<LaneShape> shapes;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      shapes.emplace_back(*tasks[i].plan, features[i].dims, options, options_.strategy);
    }
    return shapes;
  }

  /// The shape of the task's features. Throws InputError where its parts do not fit together, DeviceError where it does
  /// not fit into the memory.
  [[nodiscard]] FeatureShape check(const ItmTask& task, const ItmOptions& options) {
    const FeatureShape f = resident_.shape_of(task.features);
    check_itm_inputs(f.source, f.rows, f.dims, *task.statistics, *task.plan, task.initial, task.features.rows);
    const std::size_t own = own_bytes(task, shapes_of({&task, 1}, {f}, options).front(), options);
    if (own + f.room() > resident_.budget()) {
      throw DeviceError(f.source + ": needs " + bytes_text(f.room()) + " for its features and " + bytes_text(own) +
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
      const std::size_t more = own + (shared ? 0 : features[i].room());
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
    const std::span<const ItmTask> mine = tasks.subspan(first, last - first);
    const WaveShape shape =
        wave_shape(mine, std::span(shapes).subspan(first, last - first), options, options_.strategy);
    std::string key = shape.key();
    ResidentFeatures::Admission admitted = resident_.acquire(requests, key);
    const std::lock_guard lock(work_);
    std::vector<Member> members;
    for (std::size_t i = 0; i < mine.size(); ++i) {
      members.push_back({&mine[i], std::move(admitted.leases[i])});
    }
    auto wave = std::static_pointer_cast<AnyWave>(admitted.kept);
    ResidentFeatures::Lease for_validation;
    if (!wave) {
      // Validation may use some of what is left: more chunks at once are fewer launches.
      for_validation = resident_.take_spare(std::size_t{1} << 30);
    }
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
    if (!wave) {
      wave = make_wave(shape, for_validation.extra());
    }
    std::vector<ItmResult> results = wave->run(members, options, progress);
    if (mine.size() == tasks.size()) {  // waves that take turns need each other's room
      std::vector<ResidentFeatures::Lease> holders;
      holders.push_back(std::move(admitted.room));
      holders.push_back(std::move(for_validation));
      for (Member& m : members) {
        holders.push_back(std::move(m.features));
      }
      const std::size_t bytes = wave->bytes();
      resident_.keep(std::move(key), std::move(wave), bytes, holders);
    }
    return results;
  }

  [[nodiscard]] std::shared_ptr<AnyWave> make_wave(const WaveShape& shape, std::size_t validation_limit) {
    if (shape.precision == Precision::float64) {
      return std::make_shared<Wave<double>>(*api_, shape, options_, validation_limit);
    }
    return std::make_shared<Wave<float>>(*api_, shape, options_, validation_limit);
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
