// What every method takes on a CUDA device and on all cores of the same machine, for a zoo of ten models at the shapes
// of CIFAR-100 and SUN397. Writes a line of JSON (schema itm.gpu_methods/1) as soon as it is known: what was measured
// stays when the time is up.
//
//   gpu_methods [--commit TEXT] [--shape cifar100|sun397] [--models N] [--quick] [--cpu-limit SECONDS]
//
// --models: so many of the ten; --quick: a tenth of the rows; --cpu-limit: no method on the CPU that should take longer
// for a model on one core. Per method: seconds of a ranking with features resident
// on the device, of the same on the CPU, and of the first ranking, which uploads them; waits, launches and bytes per
// model. Features are made, so scores mean nothing; times do. Exit status 3 without a device.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "backend/backend.hpp"
#include "core/made_features.hpp"
#include "itm/array.hpp"
#include "itm/error.hpp"
#include "itm/estimator.hpp"

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Shape {
  const char* name;
  std::size_t rows;
  std::size_t classes;
};

constexpr Shape shapes[] = {{"cifar100", 50'000, 100}, {"sun397", 19'850, 397}};
constexpr std::size_t paper_dims[] = {1024, 1280, 1280, 512, 768, 384, 768, 768, 1024, 768};
constexpr std::size_t source_classes = 1000;
constexpr std::size_t source_rows = 10'000;

template <typename T>
void write(const fs::path& file, const std::vector<T>& values, std::size_t rows, std::size_t cols) {
  const std::size_t shape[] = {rows, cols};
  itm::write_npy<T>(file, values, std::span(shape, cols > 0 ? 2 : 1));
}

struct Choice {
  std::string commit;
  std::string shape;  ///< empty: both
  std::size_t models = std::size(paper_dims);
  bool quick = false;
  double cpu_limit = 1e300;  ///< seconds
};

/// Models in a folder that is removed with the object.
class MadeZoo {
 public:
  MadeZoo(const Shape& shape, const Choice& choice)
      : folder_(fs::temp_directory_path() / (std::string("itm-") + shape.name)) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    const std::size_t rows = choice.quick ? shape.rows / 10 : shape.rows;
    const itm::Labels labels = itm::made_labels(rows, shape.classes);
    const std::vector<std::int64_t> wide(labels.values.begin(), labels.values.end());
    std::size_t number = 0;
    for (const std::size_t dims : paper_dims) {
      const std::string model = "m" + std::to_string(number++);
      const auto made = [&](const std::string& what, std::size_t n, std::size_t d, std::size_t classes) {
        const std::string name = model + what;
        write<float>(folder_ / (model + what), itm::make_features({n, d, classes, 0.15, 0, name}), n, d);
      };
      const std::string stem = std::string("_") + shape.name;
      made(stem + "_feature.npy", rows, dims, shape.classes);
      made(stem + "_output.npy", rows, source_classes, shape.classes);
      made("_source_feature.npy", std::min(source_rows, rows), dims, shape.classes);
      write<std::int64_t>(folder_ / (model + stem + "_label.npy"), wide, rows, 0);
      if (number == choice.models) {
        break;
      }
    }
  }
  MadeZoo(const MadeZoo&) = delete;
  MadeZoo& operator=(const MadeZoo&) = delete;
  ~MadeZoo() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] itm::Zoo find(const char* dataset) const { return itm::discover_zoo(folder_, {.datasets = {dataset}}); }

 private:
  fs::path folder_;
};

double seconds_of(const itm::Zoo& zoo, const itm::RankOptions& options, std::size_t& models) {
  const auto start = std::chrono::steady_clock::now();
  models = itm::rank_zoo(zoo, options).results.at(0).models.size();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void print(const Json& line) {
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

int run(const Choice& choice) {
  const std::shared_ptr<itm::ItmEngine> engine = itm::open_cuda_engine();
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  print({{"schema", "itm.gpu_methods/1"}, {"commit", choice.commit}, {"device", engine->device()}, {"cores", cores}});
  for (const Shape& shape : shapes) {
    if (!choice.shape.empty() && choice.shape != shape.name) {
      continue;
    }
    const MadeZoo made(shape, choice);
    const itm::Zoo zoo = made.find(shape.name);
    for (const itm::Estimator& estimator : itm::estimators()) {
      if (!estimator.on_gpu) {
        continue;
      }
      itm::RankOptions options;
      options.method = estimator.name;
      options.jackknife = 0;
      options.threads = cores;
      options.engine = engine;
      options.device = itm::Backend::cuda;
      std::size_t models = 0;
      Json line{{"shape", shape.name}, {"method", estimator.name}};
      try {
        line["device_first_seconds"] = seconds_of(zoo, options, models);
        const itm::DeviceCounts before = engine->device_counts();
        line["device_seconds"] = seconds_of(zoo, options, models);
        const itm::DeviceCounts after = engine->device_counts();
        const auto per_model = [&](std::uint64_t now, std::uint64_t then) {
          return static_cast<double>(now - then) / static_cast<double>(models);
        };
        line["models"] = models;
        line["waits"] = per_model(after.waits, before.waits);
        line["launches"] = per_model(after.launches, before.launches);
        line["bytes_moved"] = per_model(after.moved, before.moved);
        line["bytes_read"] = per_model(after.read, before.read);
        line["bytes_uploaded"] = per_model(after.uploaded, before.uploaded);
        const itm::Cost cost = estimator.cost_of({static_cast<double>(choice.quick ? shape.rows / 10 : shape.rows),
                                                  1024, static_cast<double>(shape.classes), 0},
                                                 options);
        if (cost.seconds <= choice.cpu_limit) {
          options.engine = nullptr;
          options.device = itm::Backend::cpu;
          line["cpu_seconds"] = seconds_of(zoo, options, models);
        }
      } catch (const itm::Error& error) {
        line["failed"] = error.what();
      }
      print(line);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Choice choice;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--commit") == 0 && i + 1 < argc) {
      choice.commit = argv[++i];
    } else if (std::strcmp(argv[i], "--shape") == 0 && i + 1 < argc) {
      choice.shape = argv[++i];
    } else if (std::strcmp(argv[i], "--models") == 0 && i + 1 < argc) {
      choice.models = std::strtoul(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--quick") == 0) {
      choice.quick = true;
    } else if (std::strcmp(argv[i], "--cpu-limit") == 0 && i + 1 < argc) {
      choice.cpu_limit = std::strtod(argv[++i], nullptr);
    } else {
      std::fprintf(stderr,
                   "usage: gpu_methods [--commit TEXT] [--shape cifar100|sun397] [--models N] [--quick] "
                   "[--cpu-limit SECONDS]\n");
      return 2;
    }
  }
  try {
    return run(choice);
  } catch (const itm::DeviceError& error) {
    std::fprintf(stderr, "gpu_methods: %s\n", error.what());
    return 3;
  } catch (const itm::Error& error) {
    std::fprintf(stderr, "gpu_methods: %s\n", error.what());
    return 1;
  }
}
