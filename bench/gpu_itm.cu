// How long ITM takes on a CUDA device, against what the device could do. Prints JSON (schema itm.gpu_bench/1).
//
//   gpu_itm [--commit TEXT] [--quick] [--out FILE]
//   gpu_itm --profile
//
// For each case: milliseconds of a whole run with features resident; of a run of one iteration, which is all set-up;
// of each further iteration (the slope between a fifth of the iterations and all of them) and of what does not grow
// with them, recording included; milliseconds per phase of an iteration, each launched twenty times outside any graph;
// and two floors from ceilings that the same program measures on random numbers, a large matrix product in the same
// precision and a device-to-device copy:
//   GEMM floor    the products' operations at the speed of the large product
//   memory floor  the bytes that must move at the speed of the copy, each array once per phase that touches it
// Features are made, so scores mean nothing; times do. FILE is written anew after every case, and a case that fails
// says why there and stops none of the others. --profile runs two iterations of the paper's zoo without graphs, for a
// profiler that looks at kernels. Exit status 1 where a case failed, 3 without a device.

#include <cuda_profiler_api.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "core/precision_name.hpp"
#include "engine/itm_inputs.hpp"
#include "itm/error.hpp"
#include "kernels/check.hpp"
#include "kernels/cuda_device_api.hpp"
#include "kernels/zoo_engine.hpp"

namespace {

using Json = nlohmann::ordered_json;
using itm::Recurrence;

/// What a case runs.
struct Case {
  std::string name;
  std::vector<std::size_t> dims;
  std::size_t rows = 50'000;
  std::size_t classes = 100;
  itm::ItmOptions itm = {};
  itm::ZooEngineOptions engine = {};
  bool phases = false;  ///< look at each phase, too
};

constexpr std::size_t paper_dims[] = {1024, 1280, 1280, 512, 768, 384, 768, 768, 1024, 768};

const char* name_of(itm::GemmStrategy strategy) {
  switch (strategy) {
    case itm::GemmStrategy::automatic:
      return "automatic";
    case itm::GemmStrategy::buckets:
      return "buckets";
    case itm::GemmStrategy::grouped:
      return "grouped";
  }
  return "";
}

// ---- time

class Timer {
 public:
  explicit Timer(cudaStream_t stream) : stream_(stream) {
    ITM_CUDA_TRY(cudaEventCreate(&start_));
    ITM_CUDA_TRY(cudaEventCreate(&stop_));
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() {
    (void)cudaEventDestroy(start_);
    (void)cudaEventDestroy(stop_);
  }

  /// Mean milliseconds of `work` on the device: once to warm up, then `times` in a row.
  template <typename Work>
  double operator()(int times, const Work& work) {
    work();
    ITM_CUDA_TRY(cudaEventRecord(start_, stream_));
    for (int i = 0; i < times; ++i) {
      work();
    }
    ITM_CUDA_TRY(cudaEventRecord(stop_, stream_));
    ITM_CUDA_TRY(cudaEventSynchronize(stop_));
    float milliseconds = 0;
    ITM_CUDA_TRY(cudaEventElapsedTime(&milliseconds, start_, stop_));
    return static_cast<double>(milliseconds) / times;
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t start_ = nullptr;
  cudaEvent_t stop_ = nullptr;
};

template <typename Work>
double wall_milliseconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// ---- ceilings and floors

void fill_randomly(std::vector<float>& values) {
  std::uint32_t state = 12345;
  for (float& v : values) {
    state = state * 1664525U + 1013904223U;
    v = static_cast<float>(state >> 8) * (1.0F / 8388608.0F) - 1.0F;
  }
}

struct Ceilings {
  double pedantic_flops = 0;  ///< per second
  double tf32_flops = 0;
  double bytes = 0;  ///< per second, read and written
};

Ceilings measure_ceilings() {
  const std::unique_ptr<itm::DeviceApi> api = itm::cuda::make_cuda_device_api();
  auto* stream = static_cast<cudaStream_t>(api->stream());
  Timer timer(stream);
  constexpr int n = 4096;
  constexpr std::size_t count = std::size_t{n} * n;
  const itm::DeviceBuffer<float> a(*api, count);
  const itm::DeviceBuffer<float> c(*api, count);
  std::vector<float> random(count);  // a product of zeros runs faster than any other
  fill_randomly(random);
  api->upload(const_cast<float*>(a.data()), random.data(), count * sizeof(float));
  Ceilings ceilings;
  for (const bool tf32 : {false, true}) {
    const itm::BasicView<float> square(a.data(), n, n, n);
    itm::LoneProducts<float> product(*api, {{square, square, {c.data(), n, n, n}}},
                                     tf32 ? itm::Precision::tf32 : itm::Precision::float32);
    const double flops = 2.0 * n * n * n / (timer(10, [&] { product.run(); }) / 1e3);
    (tf32 ? ceilings.tf32_flops : ceilings.pedantic_flops) = flops;
  }
  constexpr std::size_t bytes = std::size_t{1} << 29;  // ten times an H100's L2
  const itm::DeviceBuffer<std::byte> from(*api, bytes);
  const itm::DeviceBuffer<std::byte> to(*api, bytes);
  for (std::size_t at = 0; at < bytes; at += count * sizeof(float)) {
    api->upload(const_cast<std::byte*>(from.data()) + at, random.data(), count * sizeof(float));
  }
  ceilings.bytes =
      2.0 * bytes /
      (timer(10,
             [&] { ITM_CUDA_TRY(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice, stream)); }) /
       1e3);
  return ceilings;
}

/// Operations a second that products in some precision could do.
double product_flops(const Ceilings& ceilings, itm::Precision precision) {
  switch (precision) {
    case itm::Precision::tf32:
      return ceilings.tf32_flops;
    case itm::Precision::tf32x3:
      return ceilings.tf32_flops / 3;
    default:
      return ceilings.pedantic_flops;
  }
}

/// Operations of products and bytes of a whole run.
struct Work {
  double flops = 0;
  double bytes = 0;
};

Work work_of(const Case& run, const itm::ItmPlan& plan) {
  const auto b = static_cast<double>(plan.batch);
  const auto c = static_cast<double>(run.classes);
  const auto n = static_cast<double>(run.itm.steps);
  const bool gram =
      itm::choose_recurrence(run.itm.recurrence, plan.batch, run.classes, run.itm.steps) == Recurrence::gram;
  const auto iterations = static_cast<double>(plan.iterations);
  const double validations =
      static_cast<double>((plan.iterations + run.itm.validate_every - 1) / run.itm.validate_every);
  const double batches = validations * static_cast<double>(plan.validation.size()) / b;
  const double stored = run.engine.half_features ? 2 : 4;
  Work work;
  for (const std::size_t dims : run.dims) {
    const auto d = static_cast<double>(dims);
    const double apply = gram ? 2 * n * b * b * c : 4 * n * b * c * c;
    const double build = gram ? 2 * b * b * c : 0;
    const double forward = 2 * b * d * c + build + apply + 2 * b * c * c;
    const double backward = 4 * b * c * c + apply + 2 * b * d * c;
    work.flops += iterations * (forward + backward) + batches * forward;
    const double gather = b * d * (stored + 4) + 16 * d;
    const double rows = 4 * b * c;                       // one (B, C) array, once
    const double matrix = gram ? 4 * b * b : 4 * c * c;  // what the recurrence goes through
    const double evolve = n * (4 * rows + 2 * matrix) + (gram ? 2 * rows + matrix : 0) + 2 * rows;
    const double parameters = 4 * (c * d + c * c + 2 * c);
    const double forward_bytes = gather + 4 * (b * d + c * d) + rows + 4 * rows + evolve + 2 * rows + 4 * c * c;
    const double backward_bytes =
        2 * rows + 2 * rows + rows + 8 * c * c + evolve + 3 * rows + 2 * rows + 4 * b * d + 4 * c * d + 7 * parameters;
    work.bytes += iterations * (forward_bytes + backward_bytes) + batches * forward_bytes;
  }
  return work;
}

// ---- a case

/// One pool of numbers serves every model as its features.
class Features {
 public:
  explicit Features(std::size_t count) : values_(std::make_shared<std::vector<float>>(count)) {
    fill_randomly(*values_);
  }
  [[nodiscard]] itm::Array array(std::size_t rows, std::size_t dims) const {
    return {"made", itm::DType::f32, false, {rows, dims}, false, reinterpret_cast<const std::byte*>(values_->data()),
            values_};
  }

 private:
  std::shared_ptr<std::vector<float>> values_;
};

/// A zoo on the device: its features are resident, statistics measured and plans made.
class Zoo {
 public:
  Zoo(const Case& run, const Features& pool, const itm::ZooEngineOptions& options)
      : run_(run),
        engine_(itm::cuda::make_zoo_engine(itm::cuda::make_cuda_device_api(), options)),
        statistics_(run.dims.size()),
        tasks_(run.dims.size()) {
    labels_.classes = run.classes;
    for (std::size_t i = 0; i < run.rows; ++i) {
      labels_.values.push_back(static_cast<std::int32_t>(i % run.classes));
    }
    upload_ = wall_milliseconds([&] {
      for (std::size_t i = 0; i < tasks_.size(); ++i) {
        const std::size_t dims = run.dims[i];
        const std::size_t rows = run.rows;
        tasks_[i].features = {[&pool, rows, dims] { return pool.array(rows, dims); }, std::to_string(i)};
        statistics_[i] = engine_->measure(tasks_[i].features, labels_, itm::Standardise::dim);
        tasks_[i].statistics = &statistics_[i];
      }
    });
  }

  [[nodiscard]] double upload() const { return upload_; }
  [[nodiscard]] itm::ItmPlan plan(std::size_t iterations) const {
    itm::ItmOptions options = run_.itm;
    options.iterations = iterations;
    return engine_->plan(labels_, options, {});
  }
  /// Trains the zoo, wall clock in milliseconds.
  double train(std::size_t iterations, const itm::ItmPlan& plan) {
    itm::ItmOptions options = run_.itm;
    options.iterations = iterations;
    std::for_each(tasks_.begin(), tasks_.end(), [&plan](itm::ItmTask& task) { task.plan = &plan; });
    return wall_milliseconds([&] {
      for (const itm::ItmOutcome& outcome : engine_->run(tasks_, options)) {
        if (outcome.failure) {
          std::rethrow_exception(outcome.failure);
        }
      }
    });
  }
  /// The shortest of `repeats`, after one that is not counted.
  double best(std::size_t iterations, int repeats) {
    const itm::ItmPlan made = plan(iterations);
    (void)train(iterations, made);
    double shortest = 1e300;
    for (int repeat = 0; repeat < repeats; ++repeat) {
      shortest = std::min(shortest, train(iterations, made));
    }
    return shortest;
  }

 private:
  const Case& run_;
  itm::Labels labels_;
  std::shared_ptr<itm::ItmEngine> engine_;
  std::vector<itm::FeatureStatistics> statistics_;
  std::vector<itm::ItmTask> tasks_;
  double upload_ = 0;
};

/// Milliseconds of each phase of one iteration, launched twenty times in a row outside any graph.
Json phases_of(const Case& run, const Features& pool) {
  std::map<std::string, double> phases;
  bool counting = false;
  bool inside = false;
  itm::ZooEngineOptions options = run.engine;
  options.on_phase = [&](const char* phase, const std::function<void()>& work) {
    if (inside || !counting) {
      work();
      return;
    }
    inside = true;  // validation is one phase, whatever it is made of
    const int times = std::strcmp(phase, "validate") == 0 ? 2 : 20;
    work();
    ITM_CUDA_TRY(cudaDeviceSynchronize());
    phases[phase] = wall_milliseconds([&] {
                      for (int i = 0; i < times; ++i) {
                        work();
                      }
                      ITM_CUDA_TRY(cudaDeviceSynchronize());
                    }) /
                    times;
    inside = false;
  };
  Zoo zoo(run, pool, options);
  const itm::ItmPlan once = zoo.plan(1);
  (void)zoo.train(1, once);
  counting = true;
  (void)zoo.train(1, once);
  Json json = Json::object();
  for (const auto& [phase, milliseconds] : phases) {
    json[phase] = milliseconds;
  }
  return json;
}

Json run_case(const Case& run, const Features& pool, const Ceilings& ceilings) {
  Zoo zoo(run, pool, run.engine);
  const std::size_t iterations = run.itm.iterations;
  const std::size_t fewer = std::max<std::size_t>(1, iterations / 5);
  const double total = zoo.best(iterations, 3);
  const double part = zoo.best(fewer, 3);
  const double setup = zoo.best(1, 3);
  const double slope = (total - part) / static_cast<double>(iterations - fewer);
  const itm::ItmPlan plan = zoo.plan(iterations);
  double bytes = 0;
  for (const std::size_t dims : run.dims) {
    bytes += static_cast<double>(run.rows * dims) * 4;
  }
  Json json{{"case", run.name},
            {"models", run.dims.size()},
            {"dims", run.dims.size() <= 10 ? Json(run.dims) : Json("mixed")},
            {"rows", run.rows},
            {"classes", run.classes},
            {"batch", plan.batch},
            {"iterations", iterations},
            {"validate_every", run.itm.validate_every},
            {"recurrence",
             itm::choose_recurrence(run.itm.recurrence, plan.batch, run.classes, run.itm.steps) == Recurrence::gram
                 ? "gram"
                 : "factored"},
            {"strategy", name_of(run.engine.strategy)},
            {"precision", itm::name_of(run.itm.precision)},
            {"half_features", run.engine.half_features},
            {"graph_iterations", run.engine.graph_iterations},
            {"milliseconds", total},
            {"milliseconds_per_iteration", slope},
            {"milliseconds_besides_iterations", total - slope * static_cast<double>(iterations)},
            {"milliseconds_of_setup", setup},
            {"milliseconds_of_upload_and_statistics", zoo.upload()},
            {"upload_gb_per_s", bytes / 1e6 / zoo.upload()}};
  if (run.phases) {
    json["phases_outside_graphs_ms"] = phases_of(run, pool);
  }
  const Work work = work_of(run, plan);
  const double gemm_floor = work.flops / product_flops(ceilings, run.itm.precision) * 1e3;
  const double memory_floor = work.bytes / ceilings.bytes * 1e3;
  json["gemm_floor_ms"] = gemm_floor;
  json["memory_floor_ms"] = memory_floor;
  json["ratio_to_larger_floor"] = total / std::max(gemm_floor, memory_floor);
  std::fprintf(stderr, "%-26s %9.2f ms  %8.4f ms an iteration  %8.2f ms besides  %6.2f x floor\n", run.name.c_str(),
               total, slope, total - slope * static_cast<double>(iterations),
               total / std::max(gemm_floor, memory_floor));
  return json;
}

/// Two iterations and a validation, kernel by kernel.
void run_for_profiler(const Case& run, const Features& pool) {
  itm::ZooEngineOptions options = run.engine;
  options.on_phase = [](const char*, const std::function<void()>& work) { work(); };
  Zoo zoo(run, pool, options);
  const itm::ItmPlan plan = zoo.plan(2);
  ITM_CUDA_TRY(cudaProfilerStart());
  (void)zoo.train(2, plan);
  ITM_CUDA_TRY(cudaProfilerStop());
}

std::vector<Case> cases(bool quick) {
  Case paper;
  paper.name = "paper";
  paper.dims.assign(std::begin(paper_dims), std::end(paper_dims));
  std::vector<Case> all{paper};
  const auto vary = [&](const char* name, auto change) {
    Case other = paper;
    other.name = std::string("paper, ") + name;
    change(other);
    all.push_back(std::move(other));
  };
  vary("cuBLAS", [](Case& c) { c.engine.strategy = itm::GemmStrategy::buckets; });
  vary("grouped products", [](Case& c) { c.engine.strategy = itm::GemmStrategy::grouped; });
  for (const std::size_t length : {4, 16, 100}) {
    vary(("graphs of " + std::to_string(length)).c_str(), [length](Case& c) { c.engine.graph_iterations = length; });
  }
  all.front().phases = true;
  if (quick) {
    return all;
  }
  vary("3xtf32", [](Case& c) { c.itm.precision = itm::Precision::tf32x3; });
  vary("tf32", [](Case& c) { c.itm.precision = itm::Precision::tf32; });
  vary("half features", [](Case& c) { c.engine.half_features = true; });
  vary("gram", [](Case& c) { c.itm.recurrence = Recurrence::gram; });

  Case zoo;
  zoo.name = "200 models";
  zoo.rows = 10'000;
  for (std::size_t i = 0; i < 200; ++i) {
    zoo.dims.push_back(256 + 64 * (i * 7 % 17));  // 256 to 1280
  }
  all.push_back(zoo);
  for (const itm::GemmStrategy strategy : {itm::GemmStrategy::buckets, itm::GemmStrategy::grouped}) {
    zoo.name = std::string("200 models, ") + name_of(strategy);
    zoo.engine.strategy = strategy;
    all.push_back(zoo);
  }

  Case large = paper;
  large.itm.iterations = 10;
  large.itm.validate_every = 10;
  large.name = "B = 16,384, factored";
  large.itm.batch_size = 16'384;
  large.itm.recurrence = Recurrence::factored;
  all.push_back(large);
  large.name = "B = 16,384, grouped";
  large.engine.strategy = itm::GemmStrategy::grouped;
  all.push_back(large);
  large.engine.strategy = itm::GemmStrategy::automatic;
  large.name = "B = 16,384, 3xtf32";
  large.itm.precision = itm::Precision::tf32x3;
  all.push_back(large);
  large.itm.precision = itm::Precision::float32;
  large.name = "B = 8,192, gram";
  large.itm.batch_size = 8'192;
  large.itm.recurrence = Recurrence::gram;
  all.push_back(large);
  return all;
}

/// A result is whole or not there.
void write(const std::string& path, const Json& json) {
  const std::string unfinished = path + ".part";
  std::ofstream(unfinished) << json.dump(2) << '\n';
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) {
    throw itm::InputError(path + ": cannot be written; choose another --out");
  }
}

int run(int count, char** arguments) {
  std::string commit = "unknown";
  std::string out;
  bool quick = false;
  bool profile = false;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--quick") {
      quick = true;
    } else if (argument == "--profile") {
      profile = true;
    } else if (argument == "--commit" && i + 1 < count) {
      commit = arguments[++i];
    } else if (argument == "--out" && i + 1 < count) {
      out = arguments[++i];
    } else {
      throw itm::InputError(
          argument + ": is no option; usage: gpu_itm [--commit TEXT] [--quick] [--out FILE] or gpu_itm --profile");
    }
  }
  (void)itm::resolve_backend(itm::Backend::cuda);
  const Features pool(50'000 * 1280);
  if (profile) {
    run_for_profiler(cases(true).front(), pool);
    return 0;
  }
  const Ceilings ceilings = measure_ceilings();
  int version = 0;
  ITM_CUDA_TRY(cudaRuntimeGetVersion(&version));
  Json json{{"schema", "itm.gpu_bench/1"},
            {"device", itm::cuda::make_cuda_device_api()->name()},
            {"cuda", version},
            {"commit", commit},
            {"ceilings",
             {{"float32_pedantic_tflops", ceilings.pedantic_flops / 1e12},
              {"tf32_tflops", ceilings.tf32_flops / 1e12},
              {"copy_gb_per_s", ceilings.bytes / 1e9}}},
            {"cases", Json::array()}};
  bool failed = false;
  for (const Case& each : cases(quick)) {
    try {
      json["cases"].push_back(run_case(each, pool, ceilings));
    } catch (const std::exception& error) {
      failed = true;
      std::fprintf(stderr, "%-26s failed: %s\n", each.name.c_str(), error.what());
      json["cases"].push_back({{"case", each.name}, {"error", error.what()}});
    }
    if (!out.empty()) {
      write(out, json);
    }
  }
  if (out.empty()) {
    std::printf("%s\n", json.dump(2).c_str());
  }
  return failed ? 1 : 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count, arguments);
  } catch (const itm::Error& error) {
    std::fprintf(stderr, "gpu_itm: %s\n", error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gpu_itm: %s\n", error.what());
    return 1;
  }
}
