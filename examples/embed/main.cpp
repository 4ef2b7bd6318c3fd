// Ranks every data set of a zoo from inside another program: rank_my_zoo ZOO [TRUTH.csv]

#include <cstdio>
#include <exception>
#include <itm/agreement.hpp>
#include <itm/error.hpp>
#include <itm/estimator.hpp>
#include <itm/report.hpp>
#include <itm/zoo.hpp>
#include <string>

namespace {

void rank(const char* zoo_directory, const char* truth_file) {
  itm::GroundTruth truth;
  if (truth_file != nullptr) truth = itm::read_ground_truth(truth_file);

  // The truth's data sets tell model names with underscores apart; without a truth the last underscore decides.
  const itm::Zoo zoo = itm::discover_zoo(zoo_directory, {.datasets = truth.datasets});

  itm::RankOptions options;  // method itm, every data set, the paper's settings
  options.threads = 2;
  itm::RankReport report = itm::rank_zoo(zoo, options);
  if (truth_file != nullptr) itm::add_agreement(report, truth);

  std::fputs(itm::to_table(report, /*colour=*/false).c_str(), stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fputs("usage: rank_my_zoo ZOO [TRUTH.csv]\n", stderr);
    return 2;
  }
  try {
    rank(argv[1], argc == 3 ? argv[2] : nullptr);
    return 0;
  } catch (const itm::Error& error) {
    std::fprintf(stderr, "rank_my_zoo: %s\n", error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank_my_zoo: %s\n", error.what());
    return 1;
  }
}
