// What the engine does where a device fails it: the stand-in computes wrongly, refuses to record, or has no memory.

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "core/made_features.hpp"
#include "engine/self_check.hpp"
#include "host_cuda/host_device_api.hpp"
#include "itm/engine.hpp"
#include "itm/error.hpp"
#include "kernels/zoo_engine.hpp"

namespace itm {
namespace {

struct Opened {
  std::shared_ptr<host_cuda::HostFaults> faults = std::make_shared<host_cuda::HostFaults>();
  std::vector<std::string> said;
  DeviceApi* api = nullptr;
  std::shared_ptr<ItmEngine> engine;

  explicit Opened(ZooEngineOptions options = {}) {
    options.say = [this](const std::string& sentence) { said.push_back(sentence); };
    auto device = host_cuda::make_host_device_api(std::size_t{1} << 30, faults);
    api = device.get();
    engine = host_cuda::make_zoo_engine(std::move(device), options);
  }
};

ItmOptions few_iterations(std::size_t iterations) {
  ItmOptions options;
  options.batch_size = 8;
  options.iterations = iterations;
  options.validate_every = 6;
  return options;
}

/// Three small models of one data set.
class SmallZoo {
 public:
  explicit SmallZoo(std::size_t iterations = 7, Recurrence recurrence = Recurrence::automatic)
      : options_(few_iterations(iterations)), labels_(made_labels(24, 3)), plan_(make_plan(labels_, options_)) {
    options_.recurrence = recurrence;
    for (const std::size_t dims : {5U, 9U, 12U}) {
      values_.push_back(make_features({24, dims, 3, 0.5, 1, "small " + std::to_string(dims)}));
      dims_.push_back(dims);
    }
    for (std::size_t i = 0; i < dims_.size(); ++i) {
      statistics_.push_back(measure_features(array(i), labels_, options_.standardise));
    }
  }
  [[nodiscard]] const ItmOptions& options() const { return options_; }
  [[nodiscard]] const Labels& labels() const { return labels_; }
  [[nodiscard]] ItmFeatures features(std::size_t i) const {
    return {[this, i] { return array(i); }, "model " + std::to_string(i)};
  }
  [[nodiscard]] std::vector<SurveyOutcome> survey(ItmEngine& engine) const {
    std::vector<ItmSurvey> surveys;
    for (std::size_t i = 0; i < dims_.size(); ++i) {
      surveys.push_back({features(i), &labels_});
    }
    return engine.survey(surveys, options_.standardise);
  }
  [[nodiscard]] std::vector<ItmOutcome> run(ItmEngine& engine, std::uint64_t seed = 0, double eta = 0.5) const {
    std::vector<ItmTask> tasks(dims_.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].features = features(i);
      tasks[i].statistics = &statistics_[i];
      tasks[i].plan = &plan_;
      tasks[i].seed = seed;
      tasks[i].eta = eta;
    }
    return engine.run(tasks, options_);
  }

 private:
  [[nodiscard]] Array array(std::size_t i) const {
    return {"model " + std::to_string(i),
            DType::f32,
            false,
            {24, dims_[i]},
            false,
            reinterpret_cast<const std::byte*>(values_[i].data()),
            {}};
  }

  ItmOptions options_;
  Labels labels_;
  ItmPlan plan_;
  std::vector<std::size_t> dims_;
  std::vector<std::vector<float>> values_;
  std::vector<FeatureStatistics> statistics_;
};

void expect_same(const std::vector<ItmOutcome>& got, const std::vector<ItmOutcome>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_FALSE(got[i].failure) << i;
    ASSERT_EQ(got[i].result.curve.size(), want[i].result.curve.size());
    for (std::size_t c = 0; c < got[i].result.curve.size(); ++c) {
      EXPECT_EQ(got[i].result.curve[c].accuracy, want[i].result.curve[c].accuracy);
      EXPECT_NEAR(got[i].result.curve[c].loss, want[i].result.curve[c].loss, 1e-6);
    }
  }
}

TEST(SelfCheck, FindsNothingOnADeviceThatComputesRightly) {
  const Opened opened;
  const std::vector<Deviation> stages = self_check(*opened.engine);
  EXPECT_GT(stages.size(), 10U);
  for (const Deviation& stage : stages) {
    EXPECT_TRUE(stage.within) << stage.name << " is off by " << stage.frobenius;
  }
}

TEST(SelfCheck, NamesTheFirstStageThatDeviates) {
  ZooEngineOptions options;
  options.strategy = GemmStrategy::buckets;  // the stand-in's own products
  const Opened opened(options);
  opened.faults->computes_wrongly = true;
  const std::vector<Deviation> stages = self_check(*opened.engine);
  const auto wrong = std::find_if(stages.begin(), stages.end(), [](const Deviation& d) { return !d.within; });
  ASSERT_NE(wrong, stages.end());
  EXPECT_EQ(wrong->name, "latent Theta") << "statistics are no products";
}

TEST(EngineFaults, WithoutGraphsResultsAreTheSameAndASentenceSaysSo) {
  const SmallZoo zoo;
  const Opened sound;
  const Opened refusing;
  refusing.faults->refuses_recording = true;
  expect_same(zoo.run(*refusing.engine), zoo.run(*sound.engine));
  EXPECT_TRUE(sound.said.empty());
  ASSERT_EQ(refusing.said.size(), 1U);
  EXPECT_NE(refusing.said.front().find("going on without graphs"), std::string::npos);
}

TEST(EngineFaults, MemoryThatIsNotThereHalvesTheWaveAndEndsNoModelThatFitsAlone) {
  const SmallZoo zoo;
  const Opened sound;
  const std::vector<ItmOutcome> want = zoo.run(*sound.engine);
  const std::size_t allocations = sound.faults->allocations;
  ASSERT_EQ(allocations, 5U) << "three models' features, and two arenas";
  for (std::size_t at = 1; at <= allocations; ++at) {
    SCOPED_TRACE(at);
    const Opened opened;
    opened.faults->fails_at = at;
    expect_same(zoo.run(*opened.engine), want);
    ASSERT_EQ(opened.said.size(), 1U);
    EXPECT_NE(opened.said.front().find("going on with 1 of 3 models at once"), std::string::npos)
        << opened.said.front();
  }
}

TEST(EngineFaults, MemoryThatIsNotThereSurveysFewerModelsAtOnce) {
  const SmallZoo zoo;
  const Opened sound;
  const std::vector<SurveyOutcome> want = zoo.survey(*sound.engine);
  const std::size_t allocations = sound.faults->allocations;
  ASSERT_EQ(allocations, 4U) << "three models' features, and one arena for all";
  for (std::size_t at = 1; at <= allocations; ++at) {
    SCOPED_TRACE(at);
    const Opened opened;
    opened.faults->fails_at = at;
    const std::vector<SurveyOutcome> got = zoo.survey(*opened.engine);
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      ASSERT_FALSE(got[i].failure) << i;
      EXPECT_EQ(got[i].statistics.shift, want[i].statistics.shift);
      EXPECT_EQ(got[i].statistics.dispersion, want[i].statistics.dispersion);
    }
  }
}

TEST(EngineFaults, AFailedRunLeavesNothingBehind) {
  const SmallZoo zoo;
  const Opened sound;
  (void)zoo.run(*sound.engine);
  for (const std::size_t at : {4U, 5U}) {  // the arenas
    const Opened opened;
    opened.faults->fails_at = at;
    (void)zoo.run(*opened.engine);
    (void)zoo.run(*opened.engine);
    EXPECT_EQ(opened.api->free_bytes(), sound.api->free_bytes());
  }
}

TEST(Waves, OfOneShapeShareTheirMemoryAndTheirGraphs) {
  const SmallZoo zoo;
  const Opened opened;
  (void)zoo.run(*opened.engine);
  const host_cuda::HostFaults after_first = *opened.faults;
  EXPECT_GT(after_first.recordings, 0U);
  for (const std::uint64_t seed : {1U, 2U}) {
    const Opened fresh;
    expect_same(zoo.run(*opened.engine, seed, 0.8), zoo.run(*fresh.engine, seed, 0.8));
  }
  EXPECT_EQ(opened.faults->allocations, after_first.allocations);
  EXPECT_EQ(opened.faults->recordings, after_first.recordings) << "another seed and another rate record nothing";
  EXPECT_EQ(opened.faults->uploads, after_first.uploads + 2) << "one for each run";
  const SmallZoo longer(9);
  (void)longer.run(*opened.engine);
  EXPECT_GT(opened.faults->recordings, after_first.recordings) << "another shape";
  (void)zoo.run(*opened.engine, 3);
  EXPECT_EQ(opened.faults->allocations, after_first.allocations + 2) << "both are kept";
}

TEST(Waves, ThatAreKeptMakeRoomForOthers) {
  const SmallZoo zoo;
  ZooEngineOptions options;
  options.memory_budget = 500'000;
  const Opened opened(options);
  const std::vector<ItmOutcome> want = zoo.run(*opened.engine);
  for (const std::size_t iterations : {8U, 9U, 10U, 11U, 12U, 13U, 14U, 15U, 16U, 17U}) {
    const SmallZoo other(iterations);
    for (const ItmOutcome& outcome : other.run(*opened.engine)) {
      EXPECT_FALSE(outcome.failure);
    }
  }
  expect_same(zoo.run(*opened.engine), want);
  EXPECT_TRUE(opened.said.empty());
}

/// Kernels and library calls of an iteration, from runs of two lengths.
std::uint64_t launches_of_an_iteration(Recurrence recurrence, GemmStrategy strategy) {
  std::uint64_t count[2];
  for (const std::size_t which : {0U, 1U}) {
    const SmallZoo zoo(which == 0 ? 2 : 5, recurrence);  // one validation, at the end
    ZooEngineOptions options;
    options.strategy = strategy;
    const Opened opened(options);
    (void)zoo.run(*opened.engine);
    count[which] = opened.api->launches();
  }
  return (count[1] - count[0]) / 3;
}

TEST(Waves, DoAnIterationInFewLaunches) {
  EXPECT_EQ(launches_of_an_iteration(Recurrence::factored, GemmStrategy::automatic), 9U);
  EXPECT_EQ(launches_of_an_iteration(Recurrence::gram, GemmStrategy::automatic), 13U);
}

TEST(EngineFaults, AWaveIsNoLongerThanAGrid) {
  const SmallZoo zoo;
  ZooEngineOptions options;
  options.validation_chunks = 65'535;  // so one model is all that a grid of lanes has room for
  const Opened one_by_one(options);
  const Opened together;
  expect_same(zoo.run(*one_by_one.engine), zoo.run(*together.engine));
}

TEST(EngineFaults, CallersAtTheSameTimeDoNotWaitForEachOtherForEver) {
  const SmallZoo zoo;
  const Opened roomy;
  const std::vector<ItmOutcome> want = zoo.run(*roomy.engine);
  ZooEngineOptions options;
  options.memory_budget = 230'000;  // a model or two, so that features come and go
  const Opened opened(options);
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 3; ++i) {
        expect_same(zoo.run(*opened.engine), want);
      }
    });
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 9; ++i) {
        (void)opened.engine->measure(zoo.features((i + static_cast<std::size_t>(t)) % 3), zoo.labels(),
                                     zoo.options().standardise);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace
}  // namespace itm
