// The paper's tables: what can be recomputed from the printed numbers is, and what cannot is named with its reason.
//
// Not recomputable: tau_w, Spearman's rho and Kendall's tau themselves, because the paper prints no method's scores,
// and seconds. What the printed figures imply all the same is checked here: averages, ranges, the values that Kendall's
// tau over ten models can take, and the sentences of section 4.3.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "io/truth_csv.hpp"
#include "itm/error.hpp"
#include "itm/zoo.hpp"
#include "report/paper/beside.hpp"
#include "report/paper/data.hpp"
#include "report/paper/tables.hpp"

namespace itm::paper {
namespace {

/// Half a unit of the last printed digit.
double rounding_of(const std::string& cell) {
  const std::size_t point = cell.find('.');
  return 0.5 * std::pow(10.0, -static_cast<double>(cell.size() - point - 1));
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

TEST(PaperTables, EveryRowHasTheTenDataSetsInTheSameOrder) {
  std::vector<std::string> names;
  for (const Dataset& dataset : datasets()) {
    names.push_back(dataset.name);
    EXPECT_GE(dataset.rows, 2 * dataset.classes) << dataset.name;
  }
  EXPECT_EQ(names.size(), 10U);
  for (const Table& t : tables()) {
    EXPECT_EQ(t.datasets, names) << t.name;
    for (const Row& row : t.rows) {
      EXPECT_EQ(row.values().size(), 10U) << t.name << " " << row.name;
    }
  }
  EXPECT_EQ(table("table1").rows.size(), 14U);
  EXPECT_EQ(table("table3").rows.size(), 10U);
  EXPECT_EQ(table("table4").rows.size(), 14U);
}

TEST(PaperTables, ModelsAreThoseOfTable3) {
  ASSERT_EQ(models().size(), table("table3").rows.size());
  for (std::size_t i = 0; i < models().size(); ++i) {
    EXPECT_EQ(models()[i].name, table("table3").rows[i].name);
  }
}

/// Cells and average are both rounded, so the mean of the cells lies within one unit of the last digit.
TEST(PaperTables, EveryPrintedAverageFollowsFromItsCells) {
  for (const char* name : {"table1", "table4"}) {
    for (const Row& row : table(name).rows) {
      const double slack = rounding_of(row.average) + rounding_of(row.cells.front());
      EXPECT_NEAR(mean(row.values()), value_of(row.average), slack + 1e-9)
          << name << ", " << row.measure << " of " << row.name;
    }
  }
}

TEST(PaperTables, CorrelationsAndAccuraciesAreInTheirRange) {
  for (const Table& t : tables()) {
    for (const Row& row : t.rows) {
      for (const double value : row.values()) {
        if (row.measure == "accuracy") {
          EXPECT_TRUE(value > 50 && value < 100) << row.name << " " << value;
        } else if (row.measure == "seconds") {
          EXPECT_GT(value, 0) << row.name;
        } else {
          EXPECT_LE(std::abs(value), 1) << t.name << " " << row.name;
        }
      }
    }
  }
}

/// Pairs that are tied when groups of these sizes are: 0 for none.
std::set<int> possible_tied_pairs() {
  // Partitions of at most ten models into groups; sum of g (g - 1) / 2 over the groups.
  std::set<int> sums{0};
  std::vector<std::pair<int, int>> reach{{0, 0}};  // models used, pairs tied
  for (std::size_t k = 0; k < reach.size(); ++k) {
    for (int group = 2; reach[k].first + group <= 10; ++group) {
      const std::pair<int, int> next{reach[k].first + group, reach[k].second + group * (group - 1) / 2};
      if (std::find(reach.begin(), reach.end(), next) == reach.end()) {
        reach.push_back(next);
        sums.insert(next.second);
      }
    }
  }
  return sums;
}

/// The fewest tied pairs of scores with which Kendall's tau-b of ten models can print as `cell`, when `truth_tied` of
/// the 45 pairs of accuracies are tied; -1 when none do.
int fewest_ties(const std::string& cell, int truth_tied) {
  const double tau = value_of(cell);
  for (const int tied : possible_tied_pairs()) {
    const double scale = std::sqrt(static_cast<double>((45 - tied) * (45 - truth_tied)));
    const double balance = tau * scale;  // concordant minus discordant pairs
    if (tied < 45 && std::abs(std::round(balance) / scale - tau) <= rounding_of(cell) + 1e-9) {
      // Without ties every pair counts, so that the balance has the parity of 45.
      if (tied + truth_tied > 0 || std::lround(balance) % 2 != 0) {
        return tied;
      }
    }
  }
  return -1;
}

/// Table 3 prints 87.88 for two models on Food; elsewhere no two accuracies are equal.
TEST(PaperTables, OnlyFoodHasTwoEqualAccuracies) {
  const Table& accuracies = table("table3");
  std::vector<std::string> tied;
  for (std::size_t d = 0; d < accuracies.datasets.size(); ++d) {
    std::set<double> values;
    for (const Row& row : accuracies.rows) {
      values.insert(row.values()[d]);
    }
    if (values.size() < accuracies.rows.size()) {
      tied.push_back(accuracies.datasets[d]);
    }
  }
  EXPECT_EQ(tied, std::vector<std::string>{"Food"});
}

/// Kendall's tau of ten models without ties is an odd number of 45ths. Five printed cells are none: tau-b with tied
/// scores explains them. SFDA's and PED's scores saturate on Flowers; ITM's are accuracies on held-out rows, which can
/// coincide.
TEST(PaperTables, KendallsTauNeedsTiedScoresInFiveCells) {
  const std::vector<std::string> expected{"PED Flowers", "SFDA Flowers", "ITM Cal101", "ITM DTD", "ITM Pets"};
  std::vector<std::string> needing;
  for (const Row& row : table("table4").rows) {
    for (std::size_t d = 0; row.measure == "kendall" && d < row.cells.size(); ++d) {
      const int ties = fewest_ties(row.cells[d], 0);
      EXPECT_GE(ties, 0) << row.name << " " << table("table4").datasets[d] << ": no ten models have such a tau";
      if (ties > 0) {
        needing.push_back(row.name + " " + table("table4").datasets[d]);
      }
    }
  }
  EXPECT_EQ(needing, expected);
}

/// The tie on Food is one of the printed digits only: with it, Kendall's tau would be an even number of 1 / sqrt(45 x
/// 44).
TEST(PaperTables, TheTieOnFoodIsOneOfRounding) {
  const auto food = static_cast<std::size_t>(7);
  ASSERT_EQ(table("table4").datasets[food], "Food");
  for (const Row& row : table("table4").rows) {
    if (row.measure == "kendall") {
      EXPECT_EQ(fewest_ties(row.cells[food], 0), 0) << row.name;
      const double with_tie = value_of(row.cells[food]) * std::sqrt(45.0 * 44.0) / 2;
      EXPECT_GT(std::abs(with_tie - std::round(with_tie)), 0.02) << row.name;
    }
  }
}

TEST(PaperTables, SayWhatSection43Says) {
  const Table& t = table("table1");
  const auto lowest = [&](const char* method) {
    const auto values = t.find("tau_w", method)->values();
    return *std::min_element(values.begin(), values.end());
  };
  EXPECT_EQ(lowest("ped"), -0.20);
  EXPECT_EQ(lowest("logme"), 0.14);
  EXPECT_EQ(lowest("nleap"), 0.01);
  EXPECT_EQ(lowest("parc"), -0.07);
  EXPECT_EQ(lowest("sfda"), -0.39);
  EXPECT_EQ(lowest("etran"), -0.14);
  EXPECT_EQ(lowest("itm"), 0.43);
  std::size_t first = 0;
  std::size_t second = 0;
  const std::vector<double> itm = t.find("tau_w", "itm")->values();
  for (std::size_t d = 0; d < itm.size(); ++d) {
    const auto better = std::count_if(t.rows.begin(), t.rows.end(), [&](const Row& row) {
      return row.measure == "tau_w" && row.values()[d] > itm[d];
    });
    first += better == 0 ? 1 : 0;
    second += better == 1 ? 1 : 0;
  }
  EXPECT_EQ(first, 6U);
  EXPECT_EQ(second, 2U);
}

TEST(PaperTables, Table3IsAGroundTruthFile) {
  const GroundTruth truth = io::parse_ground_truth("table3.csv", table3_csv);
  EXPECT_EQ(truth.models.size(), 10U);
  EXPECT_EQ(truth.accuracy.at("SUN").at("MAE-L16"), 79.18);
}

TEST(PaperNames, AreFoundWhateverTheirCaseAndPunctuation) {
  for (const auto& [spelling, name] : std::vector<std::pair<std::string, std::string>>{{"cifar-100", "CIFAR100"},
                                                                                       {"CIFAR_10", "CIFAR10"},
                                                                                       {"caltech101", "Cal101"},
                                                                                       {"sun397", "SUN"},
                                                                                       {"Oxford-IIIT Pets", "Pets"},
                                                                                       {"food-101", "Food"},
                                                                                       {"stanford_cars", "Cars"}}) {
    ASSERT_NE(find_dataset(spelling), nullptr) << spelling;
    EXPECT_EQ(find_dataset(spelling)->name, name);
  }
  EXPECT_EQ(find_dataset("imagenet"), nullptr);
  EXPECT_EQ(find_dataset(""), nullptr);
}

ScoreTable result(const char* dataset, const char* method, double seconds, double tau_w) {
  ScoreTable made;
  made.dataset = dataset;
  made.method = method;
  made.seconds = seconds;
  made.agreement["tau_w"] = tau_w;
  return made;
}

const BesideRow& row_of(const Beside& beside, const std::string& measure, const std::string& method, bool own) {
  for (const BesideRow& row : beside.rows) {
    if (row.measure == measure && row.method == method && row.own == own) {
      return row;
    }
  }
  throw std::out_of_range(measure + " of " + method);
}

TEST(PaperBeside, AveragesOverTheDataSetsThatBothHave) {
  const ScoresFile mine{
      "mine.json",
      {result("cifar-10", "itm", 2.0, 0.5), result("sun397", "itm", 4.0, 0.75), result("digits", "itm", 1.0, 0.9)}};
  const Beside beside = set_beside(table("table1"), mine);
  const BesideRow& own = row_of(beside, "tau_w", "ITM", true);
  EXPECT_EQ(own.values[3], 0.5);
  EXPECT_EQ(own.values[9], 0.75);
  EXPECT_FALSE(own.values[0]);
  EXPECT_EQ(own.shared_average, 0.625);
  EXPECT_FALSE(own.average) << "an average over two data sets must not stand beside one over ten";
  const BesideRow& theirs = row_of(beside, "tau_w", "ITM", false);
  EXPECT_DOUBLE_EQ(*theirs.shared_average, (0.69 + 0.62) / 2);
  EXPECT_EQ(theirs.average, 0.61);
  EXPECT_EQ(row_of(beside, "seconds", "ITM", true).shared_average, 3.0);
  EXPECT_FALSE(row_of(beside, "tau_w", "PED", false).shared_average);
  EXPECT_EQ(beside.unused, std::vector<std::string>{"digits"});
}

TEST(PaperBeside, KnowsNLeepAndMethodsThatThePaperLacks) {
  const ScoresFile mine{"mine.json", {result("Pets", "nleep", 2.0, 0.5), result("Pets", "hscore", 4.0, 0.75)}};
  const Beside beside = set_beside(table("table1"), mine);
  EXPECT_EQ(row_of(beside, "tau_w", "N Leap", true).values[8], 0.5);
  EXPECT_EQ(row_of(beside, "tau_w", "hscore", true).values[8], 0.75);
}

TEST(PaperBeside, RefusesResultsThatShareNothing) {
  EXPECT_THROW((void)set_beside(table("table1"), {"mine.json", {result("digits", "itm", 1.0, 0.9)}}), InputError);
  EXPECT_THROW((void)set_beside(table("table4"), {"mine.json", {result("Pets", "itm", 1.0, 0.9)}}), InputError)
      << "neither Spearman nor Kendall is there";
  const ScoresFile twice{"mine.json", {result("pet", "itm", 1.0, 0.9), result("pets", "itm", 1.0, 0.9)}};
  EXPECT_THROW((void)set_beside(table("table1"), twice), InputError);
}

}  // namespace
}  // namespace itm::paper
