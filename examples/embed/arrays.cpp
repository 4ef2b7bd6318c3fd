// Ranks features that are in memory already, without a file and without a copy: rank_arrays

#include <cstdint>
#include <cstdio>
#include <exception>
#include <itm/all.hpp>
#include <random>
#include <vector>

namespace {

/// rows x cols noise about a mean per class; `signal` says how far apart the means are.
std::vector<float> made_features(const std::vector<std::int32_t>& labels, std::size_t cols, float signal) {
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  std::vector<float> means(10 * cols);
  for (float& mean : means) mean = signal * normal(generator);
  std::vector<float> features;
  for (const std::int32_t label : labels) {
    for (std::size_t col = 0; col < cols; ++col) {
      features.push_back(means[static_cast<std::size_t>(label) * cols + col] + normal(generator));
    }
  }
  return features;
}

void rank() {
  std::vector<std::int32_t> labels;
  for (std::int32_t i = 0; i < 500; ++i) labels.push_back(i % 10);
  const std::vector<float> good = made_features(labels, 64, 0.4F);
  const std::vector<float> fair = made_features(labels, 96, 0.2F);

  itm::Dataset pets("pets", labels);
  pets.add("good", itm::view(good.data(), labels.size(), 64));
  pets.add("fair", itm::view(fair.data(), labels.size(), 96));
  const itm::RankReport ranking = itm::rank(pets, {.method = {"itm", "logme"}, .seed = 1, .threads = 2});
  std::fputs(itm::to_table(ranking, /*colour=*/false).c_str(), stdout);
}

}  // namespace

int main() {
  try {
    rank();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank_arrays: %s\n", error.what());
    return 1;
  }
}
