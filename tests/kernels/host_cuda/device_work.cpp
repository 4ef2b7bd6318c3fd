// What every method gives a GPU to do for one model of N rows, D columns and C classes, counted without doing it:
// waits, launches and bytes (docs/gpu.md). Nothing is computed, so searches end at once: L-BFGS after one evaluation,
// k-means and expectation maximisation after an iteration or two.
//
//   device_work [N D C]     50,000 768 100

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/made_features.hpp"
#include "host_cuda/host_cuda.hpp"
#include "host_cuda/host_device_api.hpp"
#include "itm/dataset.hpp"
#include "itm/error.hpp"
#include "kernels/zoo_engine.hpp"

namespace {

std::vector<float> numbers(std::size_t count) {
  std::vector<float> made(count);
  for (std::size_t i = 0; i < count; ++i) {
    made[i] = static_cast<float>(i * 2654435761U % 1000) / 1000;
  }
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, std::size_t standard) {
    return argc > i ? std::strtoul(argv[i], nullptr, 10) : standard;
  };
  const std::size_t rows = argument(1, 50'000);
  const std::size_t dims = argument(2, 768);
  const std::size_t classes = argument(3, 100);
  constexpr std::size_t source_classes = 1000;
  const std::size_t source_rows = rows / 5;

  itm::host_cuda::set_counting_only(true);
  const auto engine = itm::host_cuda::make_zoo_engine(itm::host_cuda::make_host_device_api(), {});
  const itm::Labels labels = itm::made_labels(rows, classes);
  const std::vector<float> features = numbers(rows * dims);
  const std::vector<float> output = numbers(rows * source_classes);
  itm::Dataset data("made", labels.values);
  data.add("model", itm::view(features.data(), rows, dims),
           {itm::view(output.data(), rows, source_classes), itm::view(features.data(), source_rows, dims)});
  std::printf(
      "| method | waits | launches | moved, GB | uploaded, MB | read, MB |\n| --- | --- | --- | --- | --- | --- |\n");
  for (const itm::Estimator& estimator : itm::estimators()) {
    if (!estimator.on_gpu || estimator.name == "itm") {
      continue;
    }
    itm::RankOptions options;
    options.method = estimator.name;
    options.jackknife = 0;
    options.engine = engine;
    options.device = itm::Backend::cuda;
    const itm::DeviceCounts before = engine->device_counts();
    std::string remark;
    try {
      (void)itm::rank(data, options);
    } catch (const itm::Error&) {  // scores of nothing may be no numbers
      remark = " (ended early)";
    }
    const itm::DeviceCounts after = engine->device_counts();
    std::printf("| %s%s | %lu | %lu | %.2f | %.1f | %.2f |\n", estimator.name.c_str(), remark.c_str(),
                after.waits - before.waits, after.launches - before.launches,
                static_cast<double>(after.moved - before.moved) / 1e9,
                static_cast<double>(after.uploaded - before.uploaded) / 1e6,
                static_cast<double>(after.read - before.read) / 1e6);
    std::fflush(stdout);
  }
  return 0;
}
