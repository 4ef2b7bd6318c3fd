#include "check/rounding_spread.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>

#include "itm/dataset.hpp"

namespace itm {
namespace {

constexpr std::uint64_t draws = 4;

std::vector<ScoredModel> scores_of_draw(const Zoo& zoo, const std::string& dataset, const RankOptions& options,
                                        const std::vector<std::string>& models, std::uint64_t draw) {
  const std::vector<ZooEntry>& entries = zoo.entries(dataset);
  std::optional<Dataset> changed;
  std::vector<std::vector<double>> values;
  values.reserve(models.size());  // arrays point into it
  for (const ZooEntry& entry : entries) {
    if (std::find(models.begin(), models.end(), entry.model) == models.end()) {
      continue;
    }
    if (!changed) {
      changed.emplace(dataset, read_entry_labels(entry).values);
    }
    const Array feature = entry.feature.read();
    std::vector<double>& numbers = values.emplace_back(feature.rows() * feature.cols());
    std::mt19937_64 random(draw);
    constexpr double roundings = 4 * 0x1p-52;
    for (std::size_t row = 0; row < feature.rows(); ++row) {
      const std::span<double> at(numbers.data() + row * feature.cols(), feature.cols());
      feature.read_row<double>(row, at);
      for (double& value : at) {
        value *= 1 + roundings * (static_cast<double>(random() >> 11U) * 0x1p-52 - 1);
      }
    }
    DatasetExtras extras;
    extras.output = entry.output ? std::optional(entry.output->read()) : std::nullopt;
    extras.source = entry.source ? std::optional(entry.source->read()) : std::nullopt;
    changed->add(entry.model, view(numbers.data(), feature.rows(), feature.cols()), extras);
  }
  RankOptions on_cpu = options;
  on_cpu.datasets = {};
  on_cpu.device = Backend::cpu;
  on_cpu.engine = nullptr;
  return rank(*changed, on_cpu).results.at(0).models;
}

}  // namespace

std::vector<std::vector<ScoredModel>> scores_after_rounding(const Zoo& zoo, const std::string& dataset,
                                                            const RankOptions& options,
                                                            const std::vector<std::string>& models) {
  std::vector<std::vector<ScoredModel>> scores;
  for (std::uint64_t draw = 0; draw < draws; ++draw) {
    scores.push_back(scores_of_draw(zoo, dataset, options, models, draw));
  }
  return scores;
}

}  // namespace itm
