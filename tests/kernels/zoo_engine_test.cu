// The whole engine, every kernel included, against the CPU engine and the golden traces.

#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "core/precision_name.hpp"
#include "device_test.hpp"
#include "io/half.hpp"
#include "itm/dataset.hpp"
#include "itm/error.hpp"
#include "itm/verify.hpp"
#include "made_zoo.hpp"
#include "paths.hpp"

namespace itm::ITM_KERNELS {
namespace {

using testing::made_data;
using testing::MadeData;

/// INSTANTIATE_TEST_SUITE_P pastes its arguments before they are expanded.
#define ITM_INSTANTIATE(prefix, suite, ...) INSTANTIATE_TEST_SUITE_P(prefix, suite, __VA_ARGS__)

/// Skips where there is no device.
class ITM_DEVICE(Engine) : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = obstacle(); !why.empty()) {
      GTEST_SKIP() << why;
    }
  }
};

// ---- golden traces

using TraceCase = std::tuple<std::string, Precision, Recurrence>;
class ITM_DEVICE(EngineReplay) : public ITM_DEVICE(Engine), public ::testing::WithParamInterface<TraceCase> {};

TEST_P(ITM_DEVICE(EngineReplay), StaysWithinTolerance) {
  const auto& [name, precision, recurrence] = GetParam();
  const std::filesystem::path folder = std::filesystem::path(itm::testing::test_data()) / "itm_trace" / name;
  const std::vector<Deviation> deviations = replay_trace(folder, precision, recurrence, make_test_engine().get());
  EXPECT_EQ(deviations.size(), 16U) << "dispersion, losses, two curves, eight iteration-1 arrays, four final arrays";
  for (const Deviation& d : deviations) {
    EXPECT_TRUE(d.within) << d.name << ": relative " << d.relative << ", Frobenius " << d.frobenius << ", allowed "
                          << d.tolerance;
  }
}

std::string trace_name(const ::testing::TestParamInfo<TraceCase>& tested) {
  return std::get<0>(tested.param) + "_" + std::string(name_of(std::get<1>(tested.param))) +
         (std::get<2>(tested.param) == Recurrence::gram ? "_gram" : "_factored");
}

ITM_INSTANTIATE(ITM_DEVICE(Traces), ITM_DEVICE(EngineReplay),
                ::testing::Combine(::testing::Values("small", "wide", "nstep", "classes_over_dims"),
                                   ::testing::Values(Precision::float64, Precision::float32, Precision::tf32x3),
                                   ::testing::Values(Recurrence::gram, Recurrence::factored)),
                trace_name);

// ---- one model, or a few, with every option

/// A model with all that a run needs; everything a task points to lives here.
struct Model {
  MadeData data;
  FeatureStatistics statistics;
  ItmPlan plan;
  double eta = 0.5;
  std::string name = "model";
  std::string key;
  ItmParameters final_parameters;

  Model(MadeData made, const ItmOptions& options, double rate = 0.5, std::string called = "model")
      : data(std::move(made)),
        statistics(measure_features(data.array(), data.labels, options.standardise)),
        plan(make_plan(data.labels, options)),
        eta(rate),
        name(std::move(called)),
        key(name) {}

  [[nodiscard]] ItmFeatures features() {
    return {[this] { return data.array(); }, key};
  }
  [[nodiscard]] ItmTask task(const ItmOptions& options) {
    ItmTask t;
    t.features = features();
    t.statistics = &statistics;
    t.plan = &plan;
    t.eta = eta;
    t.seed = options.seed;
    t.observer.final_parameters = &final_parameters;
    return t;
  }
};

/// Products may be summed in another order, and 25 updates of AdamW make more of it than there was.
constexpr double library_noise = 1e-10;

/// Curves and final parameters of all models, run together.
struct Outcome {
  std::vector<std::vector<double>> numbers;
  bool operator==(const Outcome&) const = default;
};

Outcome run_together(ItmEngine& engine, std::vector<Model>& models, const ItmOptions& options) {
  std::vector<ItmTask> tasks;
  for (Model& m : models) {
    tasks.push_back(m.task(options));
  }
  const std::vector<ItmResult> results = results_of(engine.run(tasks, options));
  Outcome outcome;
  for (std::size_t i = 0; i < models.size(); ++i) {
    std::vector<double> curve;
    for (const Checkpoint& point : results[i].curve) {
      curve.insert(curve.end(), {static_cast<double>(point.iteration), point.accuracy, point.loss});
    }
    const ItmParameters& p = models[i].final_parameters;
    outcome.numbers.insert(outcome.numbers.end(), {curve, p.psi_w, p.psi_b, p.head_w, p.head_b});
  }
  return outcome;
}

Outcome run_on_cpu(std::vector<Model>& models, const ItmOptions& options) {
  Outcome outcome;
  for (Model& m : models) {
    ItmParameters p;
    ItmObserver observer;
    observer.final_parameters = &p;
    const ItmResult result =
        run_itm(m.data.array(), m.statistics, m.plan, options, m.eta,
                initial_parameters(m.data.dims, m.data.labels.classes, options.seed), {}, observer);
    std::vector<double> curve;
    for (const Checkpoint& point : result.curve) {
      curve.insert(curve.end(), {static_cast<double>(point.iteration), point.accuracy, point.loss});
    }
    outcome.numbers.insert(outcome.numbers.end(), {curve, p.psi_w, p.psi_b, p.head_w, p.head_b});
  }
  return outcome;
}

ItmOptions quick() {
  ItmOptions options;
  options.batch_size = 21;
  options.iterations = 25;
  options.validate_every = 10;
  options.precision = Precision::float64;
  return options;
}

/// Models of two data sets: widths and numbers of classes, rows and batches differ.
std::vector<Model> mixed_zoo(const ItmOptions& options) {
  std::vector<Model> models;
  models.emplace_back(made_data(110, 13, 4, 0.4, 1), options, 0.5, "a");
  models.emplace_back(made_data(110, 7, 4, 0.8, 2), options, 0.9, "b");
  models.emplace_back(made_data(62, 18, 9, 0.6, 3), options, 0.1, "c");
  models.emplace_back(made_data(25, 5, 2, 0.6, 4), options, 0.8, "d");  // a batch is all 20 training rows
  return models;
}

void expect_same_as_cpu(std::vector<Model>& models, const ItmOptions& options) {
  const Outcome want = run_on_cpu(models, options);
  const Outcome got = run_together(*make_test_engine(), models, options);
  ASSERT_EQ(got.numbers.size(), want.numbers.size());
  for (std::size_t i = 0; i < got.numbers.size(); ++i) {
    const char* parts[] = {"curve", "psi_w", "psi_b", "head_w", "head_b"};
    expect_close((models[i / 5].name + " " + parts[i % 5]).c_str(), got.numbers[i], want.numbers[i], library_noise);
  }
}

struct OptionCase {
  const char* name;
  void (*change)(ItmOptions&);
};

class ITM_DEVICE(EngineEachOption) : public ITM_DEVICE(Engine), public ::testing::WithParamInterface<OptionCase> {};

TEST_P(ITM_DEVICE(EngineEachOption), FollowTheCpuEngine) {
  ItmOptions options = quick();
  GetParam().change(options);
  std::vector<Model> models = mixed_zoo(options);
  expect_same_as_cpu(models, options);
}

ITM_INSTANTIATE(
    ITM_DEVICE(Each), ITM_DEVICE(EngineEachOption),
    ::testing::Values(OptionCase{"defaults", [](ItmOptions&) {}},
                      OptionCase{"gram", [](ItmOptions& o) { o.recurrence = Recurrence::gram; }},
                      OptionCase{"factored_three_steps",
                                 [](ItmOptions& o) {
                                   o.recurrence = Recurrence::factored;
                                   o.steps = 3;
                                 }},
                      OptionCase{"automatic_two_steps", [](ItmOptions& o) { o.steps = 2; }},
                      OptionCase{"predicted_targets",
                                 [](ItmOptions& o) { o.validation_targets = ValidationTargets::predicted; }},
                      OptionCase{"random_centres_predicted",
                                 [](ItmOptions& o) {
                                   o.centres = CentreKind::random;
                                   o.validation_targets = ValidationTargets::predicted;
                                 }},
                      OptionCase{"laplacian_centres_pull",
                                 [](ItmOptions& o) {
                                   o.centres = CentreKind::laplacian;
                                   o.pull_weight = 0.7;
                                 }},
                      OptionCase{"no_standardisation_no_decay",
                                 [](ItmOptions& o) {
                                   o.standardise = Standardise::none;
                                   o.weight_decay = 0;
                                 }},
                      OptionCase{"one_row_batches",
                                 [](ItmOptions& o) {
                                   o.batch_size = 1;
                                   o.iterations = 9;
                                 }},
                      OptionCase{"validation_after_the_end", [](ItmOptions& o) { o.validate_every = 1000; }},
                      OptionCase{"validation_always",
                                 [](ItmOptions& o) {
                                   o.validate_every = 1;
                                   o.iterations = 4;
                                 }}),
    [](const auto& tested) { return std::string(tested.param.name); });

// Rows beyond row_chain.cuh: each step of them is a kernel, and a thread has more than four of a row.
TEST_F(ITM_DEVICE(Engine), MoreClassesThanAChainTakesFollowTheCpuEngine) {
  ItmOptions options = quick();
  options.iterations = 6;
  options.validate_every = 3;
  options.pull_weight = 0.3;
  std::vector<Model> models;
  models.emplace_back(made_data(330, 12, 150, 0.4, 1), options, 0.5, "odd rows");
  models.emplace_back(made_data(330, 9, 131, 0.4, 2), options, 0.9, "others");
  expect_same_as_cpu(models, options);
  options.validation_targets = ValidationTargets::predicted;
  options.centres = CentreKind::random;
  expect_same_as_cpu(models, options);
}

TEST_F(ITM_DEVICE(Engine), LockstepIsLikeRunningAloneAndRepeatsBitForBit) {
  const ItmOptions options = quick();
  std::vector<Model> models = mixed_zoo(options);
  const auto engine = make_test_engine();
  const Outcome together = run_together(*engine, models, options);
  Outcome alone;
  for (Model& m : models) {
    std::vector<Model> one{m};
    const Outcome outcome = run_together(*engine, one, options);
    alone.numbers.insert(alone.numbers.end(), outcome.numbers.begin(), outcome.numbers.end());
  }
  for (std::size_t i = 0; i < alone.numbers.size(); ++i) {
    expect_close("alone", alone.numbers[i], together.numbers[i], library_noise);
  }
  EXPECT_TRUE(run_together(*engine, models, options) == together) << "a second run differs";
}

TEST_F(ITM_DEVICE(Engine), GraphLengthAndStrategiesChangeNothing) {
  ItmOptions options = quick();
  std::vector<Model> models = mixed_zoo(options);
  const Outcome want = run_together(*make_test_engine(), models, options);
  ZooEngineOptions short_graphs;
  short_graphs.graph_iterations = 3;
  EXPECT_TRUE(run_together(*make_test_engine(short_graphs), models, options) == want);
  for (const GemmStrategy strategy : {GemmStrategy::buckets, GemmStrategy::grouped}) {
    ZooEngineOptions other;
    other.strategy = strategy;
    const Outcome got = run_together(*make_test_engine(other), models, options);
    for (std::size_t i = 0; i < want.numbers.size(); ++i) {
      expect_close("other products", got.numbers[i], want.numbers[i], library_noise);
    }
  }
}

/// How far a run in some precision ends from the CPU's float64, at most: |got - want| / (1 + |want|).
double distance_from_float64(Precision precision) {
  ItmOptions options = quick();
  std::vector<Model> models = mixed_zoo(options);
  const Outcome want = run_on_cpu(models, options);
  options.precision = precision;
  const Outcome got = run_together(*make_test_engine(), models, options);
  double worst = 0;
  for (std::size_t i = 0; i < want.numbers.size(); ++i) {
    for (std::size_t j = 0; j < want.numbers[i].size(); ++j) {
      const double wanted = want.numbers[i][j];
      const double gap = std::abs(got.numbers[i][j] - wanted) / (1 + std::abs(wanted));
      worst = gap <= worst ? worst : gap;  // a NaN is the worst
    }
  }
  return worst;
}

TEST_F(ITM_DEVICE(Engine), ThreeTf32EndsWhereFloat32Does) {
  const double in_float32 = distance_from_float64(Precision::float32);
  const double split = distance_from_float64(Precision::tf32x3);
  RecordProperty("float32", std::to_string(in_float32 * 1e6));
  RecordProperty("3xtf32", std::to_string(split * 1e6));
  EXPECT_LE(split, 1e-5) << "some roundings of float32, which 25 updates grow";
  EXPECT_GT(split, 0);
  EXPECT_LE(in_float32, 1e-5);
  EXPECT_NE(split, in_float32) << "the same products were used";
}

TEST_F(ITM_DEVICE(Engine), ValidationChunksAtOnceChangeNothing) {
  ItmOptions options = quick();
  options.batch_size = 4;  // up to 6 chunks
  std::vector<Model> models = mixed_zoo(options);
  ZooEngineOptions engine;
  engine.validation_chunks = 1;
  const Outcome one = run_together(*make_test_engine(engine), models, options);
  for (const std::size_t chunks : {2U, 4U, 16U}) {
    engine.validation_chunks = chunks;
    const Outcome more = run_together(*make_test_engine(engine), models, options);
    for (std::size_t i = 0; i < one.numbers.size(); ++i) {
      expect_close("chunks", more.numbers[i], one.numbers[i], library_noise);
    }
  }
}

// ---- memory

TEST_F(ITM_DEVICE(Engine), ModelsThatDoNotFitTogetherFollowInWaves) {
  const ItmOptions options = quick();
  std::vector<Model> models = mixed_zoo(options);
  const Outcome want = run_together(*make_test_engine(), models, options);
  int opened = 0;
  ZooEngineOptions small;
  small.memory_budget = 230'000;  // one or two of them
  const auto engine = make_test_engine(small);
  std::vector<ItmTask> tasks;
  for (Model& m : models) {
    ItmTask task = m.task(options);
    task.features.open = [&m, &opened] {
      ++opened;
      return m.data.array();
    };
    tasks.push_back(task);
  }
  (void)engine->run(tasks, options);
  EXPECT_GT(opened, 4) << "features were evicted and came back, or were looked at before";
  const Outcome got = run_together(*engine, models, options);
  for (std::size_t i = 0; i < want.numbers.size(); ++i) {
    expect_close("in waves", got.numbers[i], want.numbers[i], library_noise);
  }
}

TEST_F(ITM_DEVICE(Engine), ATaskThatNeverFitsIsRefusedWithTheNumbers) {
  const ItmOptions options = quick();
  std::vector<Model> models = mixed_zoo(options);
  ZooEngineOptions tiny;
  tiny.memory_budget = 50'000;
  const auto engine = make_test_engine(tiny);
  try {
    (void)run_together(*engine, models, options);
    FAIL() << "nothing was thrown";
  } catch (const DeviceError& error) {
    const std::string what = error.what();
    for (const char* part : {"made.npy", "MiB for its features", "--memory-budget", "--batch-size"}) {
      EXPECT_NE(what.find(part), std::string::npos) << what;
    }
  }
}

TEST_F(ITM_DEVICE(Engine), FeaturesAreUploadedOnceForEverySeedAndCall) {
  ItmOptions options = quick();
  options.iterations = 2;
  std::vector<Model> models = mixed_zoo(options);
  const auto engine = make_test_engine();
  int opened = 0;
  ItmTask task = models[0].task(options);
  task.features.open = [&] {
    ++opened;
    return models[0].data.array();
  };
  (void)engine->measure(task.features, models[0].data.labels, options.standardise);
  const int after_survey = opened;
  std::vector<ItmTask> seeds(3, task);
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    seeds[i].seed = i;
  }
  (void)engine->run(seeds, options);
  (void)engine->run(seeds, options);
  EXPECT_EQ(opened, after_survey);
}

TEST_F(ITM_DEVICE(Engine), HalfFeaturesAreTheRoundedFeatures) {
  ItmOptions options = quick();
  std::vector<Model> models = mixed_zoo(options);
  std::vector<Model> rounded;
  for (Model m : models) {
    for (float& v : m.data.values) {
      v = io::float_from_f16(io::f16_from_float(v));
    }
    m.key += " rounded";
    rounded.push_back(std::move(m));
  }
  ZooEngineOptions half;
  half.half_features = true;
  const auto engine = make_test_engine(half);
  const Outcome got = run_together(*engine, models, options);
  EXPECT_TRUE(run_together(*engine, rounded, options) == got) << "rounding twice is rounding once";
  const Outcome want = run_together(*make_test_engine(), rounded, options);
  for (std::size_t i = 0; i < want.numbers.size(); ++i) {
    expect_close("half", got.numbers[i], want.numbers[i], library_noise);
  }
}

// ---- statistics and plan

TEST_F(ITM_DEVICE(Engine), StatisticsAreTheHosts) {
  const MadeData data = made_data(700, 37, 3, 0.5, 9);
  const MadeData large = made_data(620, 131, 2, 0.5, 4);  // classes of 310: two segments each; two tiles of columns
  const MadeData small = made_data(11, 7, 2, 0.5, 5);
  MadeData constant = data;
  for (std::size_t i = 0; i < constant.rows; ++i) {
    constant.values[i * constant.dims + 5] = 3.25F;
  }
  MadeData far = data;
  std::for_each(far.values.begin(), far.values.end(), [](float& v) { v += 1e4F; });
  const auto engine = make_test_engine();
  for (const MadeData* made : std::initializer_list<const MadeData*>{&data, &constant, &far, &large, &small}) {
    for (const Standardise standardise : {Standardise::dim, Standardise::global, Standardise::none}) {
      std::vector<std::uint32_t> rows;
      Labels kept;
      kept.classes = made->labels.classes;
      for (std::uint32_t i = 0; i < made->rows; ++i) {
        if (i % 5 != 2) {
          rows.push_back(i);
          kept.values.push_back(made->labels.values[i]);
        }
      }
      for (const bool mapped : {false, true}) {
        const Labels& labels = mapped ? kept : made->labels;
        const std::span<const std::uint32_t> map =
            mapped ? std::span<const std::uint32_t>(rows) : std::span<const std::uint32_t>();
        const FeatureStatistics want = measure_features(made->array(), labels, standardise, map);
        const FeatureStatistics got = engine->measure({[&] { return made->array(); }, "", map}, labels, standardise);
        expect_close("shift", got.shift, want.shift, 1e-12);
        expect_close("scale", got.scale, want.scale, 1e-9);
        EXPECT_NEAR(got.dispersion, want.dispersion, 1e-9 * want.dispersion);
        EXPECT_NEAR(got.feature_mean, want.feature_mean, 1e-9);
        EXPECT_NEAR(got.feature_variance, want.feature_variance, 1e-6);
        EXPECT_EQ(got.constant_columns, want.constant_columns);
      }
    }
  }
}

TEST_F(ITM_DEVICE(Engine), BadRowsAreRefusedWithTheHostsSentence) {
  MadeData data = made_data(50, 6, 2, 0.5, 9);
  data.values[17 * 6 + 3] = std::nanf("");
  const auto engine = make_test_engine();
  const auto refusal = [](auto measure) {
    try {
      (void)measure();
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  EXPECT_EQ(refusal([&] {
              return engine->measure({[&] { return data.array(); }, ""}, data.labels, Standardise::dim);
            }),
            refusal([&] { return measure_features(data.array(), data.labels, Standardise::dim); }));
  data.values[17 * 6 + 3] = 1e6F;
  ZooEngineOptions half;
  half.half_features = true;
  EXPECT_NE(refusal([&] {
              return make_test_engine(half)->measure({[&] { return data.array(); }, ""}, data.labels, Standardise::dim);
            }).find("largest float16"),
            std::string::npos);
}

TEST_F(ITM_DEVICE(Engine), PlanIsTheHosts) {
  const Labels labels = made_data(130, 2, 6, 0.5, 9).labels;
  for (const CentreKind kind : {CentreKind::onehot, CentreKind::random, CentreKind::pca, CentreKind::laplacian}) {
    ItmOptions options = quick();
    options.seed = 4;
    options.centres = kind;
    const ItmPlan want = make_plan(labels, options);
    const ItmPlan got = make_test_engine()->plan(labels, options, {});
    EXPECT_EQ(got.train, want.train);
    EXPECT_EQ(got.validation, want.validation);
    EXPECT_EQ(got.batches, want.batches);
    expect_close("centres", got.centres, want.centres, 1e-9);
  }
}

// ---- on a zoo

TEST_F(ITM_DEVICE(Engine), VerifyFindsEveryStageWithinTolerance) {
  const testing::TemporaryFolder folder;
  testing::write_small_zoo(folder.path());
  ItmOptions options;
  options.iterations = 100;
  options.batch_size = 32;
  for (const Precision precision : {Precision::float32, Precision::tf32x3}) {
    const VerifyReport report =
        verify_dataset(discover_zoo(folder.path()), "made", options, precision, 2, {}, {}, make_test_engine().get());
    EXPECT_TRUE(report.within);
    EXPECT_TRUE(report.same_ranking);
    ASSERT_EQ(report.stages.size(), 16U) << "statistics, nine stages of iteration 1, parameters, score";
    for (const StageDeviation& stage : report.stages) {
      EXPECT_TRUE(stage.worst.within) << stage.worst.name << " " << stage.worst.frobenius << " in " << stage.model;
    }
  }
}

TEST_F(ITM_DEVICE(Engine), RanksAZooLikeTheCpu) {
  const testing::TemporaryFolder folder;
  testing::write_small_zoo(folder.path());
  MadeData broken = made_data(150, 8, 5, 0.5, 8);
  broken.values[5] = std::nanf("");
  testing::write_entry(folder.path(), "broken", "made", broken);
  RankOptions options;
  options.itm.iterations = 40;
  options.itm.batch_size = 32;
  options.itm.precision = Precision::float64;
  options.repeats = 2;
  options.threads = 2;
  for (const bool drop : {true, false}) {
    options.drop_bad_rows = drop;
    options.keep_going = !drop;
    options.engine = nullptr;
    const RankReport want = rank_zoo(discover_zoo(folder.path()), options);
    options.engine = make_test_engine();
    const RankReport got = rank_zoo(discover_zoo(folder.path()), options);
    ASSERT_EQ(got.results.front().models.size(), drop ? 4U : 3U);
    ASSERT_EQ(got.failures.size(), want.failures.size());
    for (std::size_t i = 0; i < got.results.front().models.size(); ++i) {
      const ScoredModel& a = got.results.front().models[i];
      const ScoredModel& b = want.results.front().models[i];
      EXPECT_EQ(a.model, b.model);
      EXPECT_DOUBLE_EQ(a.score, b.score);
      EXPECT_NEAR(a.tie_break, b.tie_break, 1e-9);
    }
  }
}

TEST_F(ITM_DEVICE(Engine), KeepsGoingWithoutTheModelThatDoesNotFitTheDevice) {
  const testing::TemporaryFolder folder;
  testing::write_small_zoo(folder.path());
  testing::write_entry(folder.path(), "huge", "made", made_data(150, 4000, 5, 0.5, 8));
  RankOptions options;
  options.itm.iterations = 20;
  options.itm.validate_every = 4;
  options.itm.batch_size = 32;
  ZooEngineOptions small;
  small.memory_budget = 1'500'000;
  options.engine = make_test_engine(small);
  EXPECT_THROW((void)rank_zoo(discover_zoo(folder.path()), options), DeviceError);
  options.keep_going = true;
  std::vector<double> work;
  options.progress = [&](const RankProgress& p) { work.push_back(p.work); };
  const RankReport report = rank_zoo(discover_zoo(folder.path()), options);
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].model, "huge");
  EXPECT_NE(report.failures[0].message.find("--memory-budget"), std::string::npos) << report.failures[0].message;
  EXPECT_EQ(report.results.front().models.size(), 3U);
  EXPECT_EQ(report.results.front().place.backend, "cuda");
  EXPECT_EQ(report.backend, "cuda");
  EXPECT_TRUE(std::is_sorted(work.begin(), work.end()));
  EXPECT_GT(work.size(), 8U) << "it moves while the zoo is trained together";
  EXPECT_EQ(work.back(), 1.0);
}

TEST_F(ITM_DEVICE(Engine), RanksArraysInMemoryLikeFiles) {
  const MadeData data = made_data(150, 24, 5, 0.5, 3);
  std::vector<float> spaced(data.rows * 40);
  for (std::size_t i = 0; i < data.rows; ++i) {
    std::copy_n(&data.values[i * data.dims], data.dims, &spaced[i * 40]);
  }
  RankOptions options;
  options.itm.iterations = 20;
  options.itm.batch_size = 32;
  options.engine = make_test_engine();
  Dataset dense("made", data.labels.values);
  dense.add("model", view(data.values.data(), data.rows, data.dims));
  Dataset strided("made", data.labels.values);
  strided.add("model", view(spaced.data(), data.rows, data.dims, 40));
  EXPECT_EQ(rank(dense, options).results[0].models[0].score, rank(strided, options).results[0].models[0].score);
}

TEST_F(ITM_DEVICE(Engine), StopsWhenCancelled) {
  const ItmOptions options = quick();
  std::vector<Model> models = mixed_zoo(options);
  ItmTask task = models[0].task(options);
  int polls = 0;
  task.observer.cancelled = [&] { return ++polls > 1; };
  EXPECT_THROW((void)make_test_engine()->run({&task, 1}, options), Interrupted);
}

TEST_F(ITM_DEVICE(Engine), RefusesAPlanThatDoesNotFit) {
  const ItmOptions options = quick();
  std::vector<Model> models = mixed_zoo(options);
  models[0].plan.batches[3] = 110;
  EXPECT_THROW((void)run_together(*make_test_engine(), models, options), InputError);
}

}  // namespace
}  // namespace itm::ITM_KERNELS
