// Where the time of the CPU engine goes: the two forms of the recurrence, models in parallel against BLAS in parallel,
// and the machine's own matrix product as the ceiling. JSON: itm_bench --benchmark_format=json

#include <benchmark/benchmark.h>

#include <cstdio>
#include <vector>

#include "core/work_pool.hpp"
#include "itm/itm.hpp"
#include "linalg/blas.hpp"
#include "made_array.hpp"

namespace {

using itm::Recurrence;

struct Problem {
  itm::testing::MadeData data;
  itm::Array feature;
  itm::ItmOptions options;
  itm::FeatureStatistics statistics;
  itm::ItmPlan plan;
  itm::ItmParameters initial;

  Problem(std::size_t rows, std::size_t dims, std::size_t classes, std::size_t batch, std::size_t iterations,
          Recurrence recurrence = Recurrence::automatic)
      : data(itm::testing::made_data(rows, dims, classes, 0.15, 1)), feature(data.array()) {
    options.batch_size = batch;
    options.iterations = iterations;
    options.validate_every = iterations;
    options.recurrence = recurrence;
    statistics = itm::measure_features(feature, data.labels, options.standardise);
    plan = itm::make_plan(data.labels, options);
    plan.validation.resize(1);  // training alone is measured
    initial = itm::initial_parameters(dims, classes, 0);
  }

  [[nodiscard]] double run() const { return itm::run_itm(feature, statistics, plan, options, 0.5, initial).best.loss; }
};

/// Square SGEMM on one thread: what "the machine's SGEMM peak" means in bench/results.
void BM_SgemmPeak(benchmark::State& state) {
  constexpr std::size_t n = 2048;
  const std::vector<float> a(n * n, 0.5F);
  const std::vector<float> b(n * n, 0.25F);
  std::vector<float> c(n * n);
  itm::blas::prepare();
  for (auto _ : state) {
    itm::blas::gemm<float>(itm::Op::none, itm::Op::none, n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(), n);
    benchmark::DoNotOptimize(c.data());
  }
  state.counters["flops"] = benchmark::Counter(2.0 * n * n * n, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_SgemmPeak)->Unit(benchmark::kMillisecond);

void recurrence(benchmark::State& state, Recurrence form) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const auto classes = static_cast<std::size_t>(state.range(1));
  // Narrow features, so that the recurrence and not psi is the work.
  const Problem problem(batch * 5 / 4 + 5, 16, classes, batch, 4, form);
  for (auto _ : state) {
    benchmark::DoNotOptimize(problem.run());
  }
}
BENCHMARK_CAPTURE(recurrence, gram, Recurrence::gram)
    ->Args({256, 100})
    ->Args({256, 397})
    ->Args({1024, 100})
    ->Args({4096, 100})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(recurrence, factored, Recurrence::factored)
    ->Args({256, 100})
    ->Args({256, 397})
    ->Args({1024, 100})
    ->Args({4096, 100})
    ->Unit(benchmark::kMillisecond);

/// Four models on two threads, one model a thread ...
void BM_ParallelModels(benchmark::State& state) {
  const Problem problem(5000, 768, 100, 256, 50);
  for (auto _ : state) {
    itm::for_each_unit(4, 2, [&](std::size_t) { benchmark::DoNotOptimize(problem.run()); });
  }
}
BENCHMARK(BM_ParallelModels)->Unit(benchmark::kMillisecond)->UseRealTime();

/// ... against one model after the other with two BLAS threads.
void BM_ParallelBlas(benchmark::State& state) {
  const Problem problem(5000, 768, 100, 256, 50);
  itm::blas::set_threads(2);
  for (auto _ : state) {
    for (int model = 0; model < 4; ++model) {
      benchmark::DoNotOptimize(problem.run());
    }
  }
  itm::blas::set_threads(1);
}
BENCHMARK(BM_ParallelBlas)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
