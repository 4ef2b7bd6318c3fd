// Numbers and labels to be predicted: scores against references written here, properties that tie them to class labels,
// and what is refused.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "itm/agreement.hpp"
#include "itm/dataset.hpp"
#include "itm/error.hpp"
#include "made_array.hpp"
#include "made_zoo.hpp"

namespace {

using itm::Dataset;
using itm::RankedDataset;
using itm::RankOptions;
using itm::ScoredModel;
using Numbers = std::vector<double>;

/// Features [n, dims], and targets [n, T] that depend on some of them; every fifth row is held out.
struct Case {
  std::size_t n;
  std::size_t dims;
  std::size_t count;
  Numbers x;
  Numbers y;
  std::vector<std::uint8_t> held_out;

  Case(std::size_t rows, std::size_t columns, std::size_t targets, std::uint32_t seed)
      : n(rows), dims(columns), count(targets), x(n * dims), y(n * count), held_out(n) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    for (double& value : x) {
      value = 3 + 2 * normal(generator);
    }
    for (std::size_t i = 0; i < n; ++i) {
      held_out[i] = i % 5 == 2 ? 1 : 0;
      for (std::size_t t = 0; t < count; ++t) {
        y[i * count + t] =
            10 * static_cast<double>(t) + x[i * dims + t % dims] - x[i * dims + (t + 1) % dims] / 2 + normal(generator);
      }
    }
  }
  /// 1 where a target is above its `quantile`.
  [[nodiscard]] Case binary(double quantile = 0.6) const {
    Case made = *this;
    for (std::size_t t = 0; t < count; ++t) {
      Numbers column;
      for (std::size_t i = 0; i < n; ++i) {
        column.push_back(y[i * count + t]);
      }
      std::sort(column.begin(), column.end());
      const double cut = column[static_cast<std::size_t>(quantile * static_cast<double>(n))];
      for (std::size_t i = 0; i < n; ++i) {
        made.y[i * count + t] = y[i * count + t] > cut ? 1 : 0;
      }
    }
    return made;
  }
  [[nodiscard]] RankedDataset rank(const std::string& method, bool split, RankOptions options = {}) const {
    Dataset data("made", itm::testing::made_array(y, n, count, "made_target.npy"));
    if (split) {
      data.set_split(held_out);
    }
    data.add("model", itm::testing::made_array(x, n, dims));
    options.method = method;
    return itm::rank(data, options).results.at(0);
  }
  [[nodiscard]] double score(const std::string& method, bool split = false, const RankOptions& options = {}) const {
    return rank(method, split, options).models.at(0).score;
  }
  [[nodiscard]] Numbers standardised() const {
    Numbers z = x;
    for (std::size_t d = 0; d < dims; ++d) {
      double mean = 0;
      double square = 0;
      for (std::size_t i = 0; i < n; ++i) {
        mean += x[i * dims + d] / static_cast<double>(n);
      }
      for (std::size_t i = 0; i < n; ++i) {
        square += std::pow(x[i * dims + d] - mean, 2) / static_cast<double>(n);
      }
      for (std::size_t i = 0; i < n; ++i) {
        z[i * dims + d] = (x[i * dims + d] - mean) / std::sqrt(square);
      }
    }
    return z;
  }
};

/// a x = b by Gaussian elimination; a is size x size.
Numbers solve(Numbers a, Numbers b) {
  const std::size_t size = b.size();
  for (std::size_t k = 0; k < size; ++k) {
    for (std::size_t i = k + 1; i < size; ++i) {
      const double factor = a[i * size + k] / a[k * size + k];
      for (std::size_t j = k; j < size; ++j) {
        a[i * size + j] -= factor * a[k * size + j];
      }
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = size; k-- > 0;) {
    for (std::size_t j = k + 1; j < size; ++j) {
      b[k] -= a[k * size + j] * b[j];
    }
    b[k] /= a[k * size + k];
  }
  return b;
}

/// What Newton's method finds for one column with a free intercept: squares (one step) or a logistic loss.
Numbers regress(const Case& c, std::size_t t, double l2, bool logistic) {
  const Numbers z = c.standardised();
  const std::size_t size = c.dims + 1;
  Numbers w(size);
  for (int step = 0; step < (logistic ? 60 : 1); ++step) {
    Numbers hessian(size * size);
    Numbers gradient(size);
    for (std::size_t d = 0; d < c.dims; ++d) {
      hessian[d * size + d] = l2;
      gradient[d] = l2 * w[d];
    }
    for (std::size_t i = 0; i < c.n; ++i) {
      if (c.held_out[i] != 0) {
        continue;
      }
      Numbers row(z.begin() + static_cast<std::ptrdiff_t>(i * c.dims),
                  z.begin() + static_cast<std::ptrdiff_t>((i + 1) * c.dims));
      row.push_back(1);
      const double at = std::inner_product(row.begin(), row.end(), w.begin(), 0.0);
      const double p = logistic ? 1 / (1 + std::exp(-at)) : at;
      const double weight = logistic ? p * (1 - p) : 1;
      for (std::size_t a = 0; a < size; ++a) {
        gradient[a] += (p - c.y[i * c.count + t]) * row[a];
        for (std::size_t b = 0; b < size; ++b) {
          hessian[a * size + b] += weight * row[a] * row[b];
        }
      }
    }
    const Numbers move = solve(hessian, gradient);
    for (std::size_t a = 0; a < size; ++a) {
      w[a] -= move[a];
    }
  }
  return w;
}

/// [held-out rows] of one target: predictions by the regression, and the truth.
std::pair<Numbers, Numbers> predict(const Case& c, std::size_t t, double l2, bool logistic) {
  const Numbers z = c.standardised();
  const Numbers w = regress(c, t, l2, logistic);
  std::pair<Numbers, Numbers> found;
  for (std::size_t i = 0; i < c.n; ++i) {
    if (c.held_out[i] != 0) {
      const auto row = z.begin() + static_cast<std::ptrdiff_t>(i * c.dims);
      found.first.push_back(std::inner_product(row, row + static_cast<std::ptrdiff_t>(c.dims), w.begin(), w.back()));
      found.second.push_back(c.y[i * c.count + t]);
    }
  }
  return found;
}

double r2(const std::pair<Numbers, Numbers>& of) {
  const double mean = std::accumulate(of.second.begin(), of.second.end(), 0.0) / static_cast<double>(of.second.size());
  double missed = 0;
  double all = 0;
  for (std::size_t i = 0; i < of.second.size(); ++i) {
    missed += std::pow(of.second[i] - of.first[i], 2);
    all += std::pow(of.second[i] - mean, 2);
  }
  return 1 - missed / all;
}

double auc(const std::pair<Numbers, Numbers>& of) {
  double right = 0;
  double pairs = 0;
  for (std::size_t i = 0; i < of.second.size(); ++i) {
    for (std::size_t j = 0; j < of.second.size(); ++j) {
      if (of.second[i] == 1 && of.second[j] == 0) {
        pairs += 1;
        right += of.first[i] > of.first[j] ? 1 : of.first[i] == of.first[j] ? 0.5 : 0;
      }
    }
  }
  return right / pairs;
}

RankOptions with(const std::string& name, double value) {
  RankOptions options;
  options.settings[name] = value;
  return options;
}

TEST(LinearProbeTargets, AreTheRidgeRegressionOfTheClosedForm) {
  for (const Case& c : {Case(60, 5, 3, 1), Case(24, 40, 2, 2)}) {  // also more columns than rows
    for (const double l2 : {1.0, 30.0}) {
      double want = 0;
      for (std::size_t t = 0; t < c.count; ++t) {
        want += r2(predict(c, t, l2, false)) / static_cast<double>(c.count);
      }
      EXPECT_NEAR(c.score("linear_probe", true, with("linear_probe-l2", l2)), want, 1e-9) << c.dims << ", " << l2;
    }
  }
}

TEST(LinearProbeTargets, CollinearColumnsHaveASolutionWithoutPenalty) {
  Case c(50, 6, 1, 3);
  for (std::size_t i = 0; i < c.n; ++i) {
    c.x[i * 6 + 5] = c.x[i * 6 + 4];
  }
  Case narrow(50, 5, 1, 3);
  narrow.y = c.y;
  for (std::size_t i = 0; i < c.n; ++i) {
    std::copy_n(c.x.begin() + static_cast<std::ptrdiff_t>(6 * i), 5,
                narrow.x.begin() + static_cast<std::ptrdiff_t>(5 * i));
  }
  const RankOptions none = with("linear_probe-l2", 0);
  EXPECT_NEAR(c.score("linear_probe", true, none), narrow.score("linear_probe", true, none), 1e-6);
}

TEST(LinearProbeTargets, AreALogisticRegressionOfEveryLabel) {
  const Case c = Case(120, 4, 3, 4).binary();
  RankOptions options = with("linear_probe-iterations", 2000);
  double want = 0;
  for (std::size_t t = 0; t < c.count; ++t) {
    want += auc(predict(c, t, 1, true)) / 3;
  }
  EXPECT_NEAR(c.score("linear_probe", true, options), want, 1e-9);
}

/// Per row that is judged, the mean target of its nearest k among those that it may ask.
std::vector<std::pair<Numbers, Numbers>> neighbours(const Case& c, std::size_t k, bool split) {
  std::vector<std::pair<Numbers, Numbers>> found(c.count);
  for (std::size_t i = 0; i < c.n; ++i) {
    if (split && c.held_out[i] == 0) {
      continue;
    }
    std::vector<std::pair<double, std::size_t>> others;
    for (std::size_t j = 0; j < c.n; ++j) {
      if (j == i || (split && c.held_out[j] != 0)) {
        continue;
      }
      double distance = 0;
      for (std::size_t d = 0; d < c.dims; ++d) {
        distance += std::pow(c.x[i * c.dims + d] - c.x[j * c.dims + d], 2);
      }
      others.emplace_back(distance, j);
    }
    std::sort(others.begin(), others.end());
    for (std::size_t t = 0; t < c.count; ++t) {
      double mean = 0;
      for (std::size_t m = 0; m < k; ++m) {
        mean += c.y[others[m].second * c.count + t] / static_cast<double>(k);
      }
      found[t].first.push_back(mean);
      found[t].second.push_back(c.y[i * c.count + t]);
    }
  }
  return found;
}

TEST(KnnTargets, AreTheMeanOfTheNeighbours) {
  const Case numbers(90, 4, 2, 5);
  for (const Case& c : {numbers, numbers.binary()}) {
    const bool labels = c.y != numbers.y;
    for (const bool split : {false, true}) {
      for (const std::size_t k : {1U, 4U}) {
        double want = 0;
        for (const auto& of : neighbours(c, k, split)) {
          want += 100 * (labels ? auc(of) : r2(of)) / 2;
        }
        EXPECT_NEAR(c.score("knn", split, with("knn-k", static_cast<double>(k))), want, 1e-9) << labels << split << k;
      }
    }
  }
}

/// Nearly everything is held out: the search has to go deep.
TEST(KnnTargets, FindTheFewTrainingRows) {
  Case c(200, 3, 2, 6);
  for (std::size_t i = 0; i < c.n; ++i) {
    c.held_out[i] = i % 40 == 0 ? 0 : 1;
  }
  double want = 0;
  for (const auto& of : neighbours(c, 3, true)) {
    want += 50 * r2(of);
  }
  EXPECT_NEAR(c.score("knn", true, with("knn-k", 3)), want, 1e-9);
}

/// The error is that of many samples of the same kind.
TEST(HeldOutScores, HaveTheErrorThatRepetitionShows) {
  for (const bool labels : {false, true}) {
    Numbers scores;
    double error = 0;
    constexpr int samples = 60;
    for (std::uint32_t seed = 0; seed < samples; ++seed) {
      const Case numbers(400, 3, 2, 100 + seed);
      const Case c = labels ? numbers.binary() : numbers;
      const ScoredModel model = c.rank("linear_probe", false).models.at(0);
      scores.push_back(model.score);
      error += model.error.value() / samples;
    }
    const double mean = std::accumulate(scores.begin(), scores.end(), 0.0) / samples;
    double spread = 0;
    for (const double score : scores) {
      spread += std::pow(score - mean, 2) / (samples - 1);
    }
    EXPECT_NEAR(error / std::sqrt(spread), 1, 0.35) << labels;  // 60 samples: the spread itself is good to 9 %
  }
}

/// Classes as labels of which every row has one.
struct OneHot {
  itm::testing::MadeData data = itm::testing::made_data(120, 6, 4, 0.7, 11);
  Numbers targets = Numbers(120 * 4);
  OneHot() {
    for (std::size_t i = 0; i < 120; ++i) {
      targets[i * 4 + static_cast<std::size_t>(data.labels.values[i])] = 1;
    }
  }
  [[nodiscard]] double by_class(const std::string& method, RankOptions options = {}) const {
    Dataset made("made", data.labels.values);
    made.add("model", data.array());
    options.method = method;
    return itm::rank(made, options).results.at(0).models.at(0).score;
  }
  [[nodiscard]] double by_label(const std::string& method, RankOptions options = {}) const {
    Dataset made("made", itm::testing::made_array(targets, 120, 4));
    made.add("model", data.array());
    options.method = method;
    return itm::rank(made, options).results.at(0).models.at(0).score;
  }
};

TEST(MultiLabel, OneHotClassesScoreAsClassesWhereTheDefinitionIsTheSame) {
  const OneHot one;
  EXPECT_NEAR(one.by_label("logme"), one.by_class("logme"), 1e-12);
  EXPECT_NEAR(one.by_label("parc"), one.by_class("parc"), 1e-9);
  const RankOptions few = with("parc-rows", 40);
  EXPECT_TRUE(std::isfinite(one.by_label("parc", few)));
}

/// A single label is two classes, and the score of several is their mean.
TEST(MultiLabel, TransRateAndHScoreAreThoseOfTwoClassesAveraged) {
  const Case c = Case(80, 6, 3, 12).binary();
  const Case wide = Case(30, 45, 3, 13).binary();
  for (const itm::Variant variant : {itm::Variant::published, itm::Variant::exact}) {
    for (const Case* some : {&c, &wide}) {
      for (const char* method : {"transrate", "hscore"}) {
        RankOptions options;
        options.method = method;
        options.variant = variant;
        if (some == &wide) {
          options.settings["hscore-covariance"] = std::string("ledoit-wolf");
        }
        double want = 0;
        for (std::size_t t = 0; t < 3; ++t) {
          std::vector<std::int32_t> classes;
          for (std::size_t i = 0; i < some->n; ++i) {
            classes.push_back(static_cast<std::int32_t>(some->y[i * 3 + t]));
          }
          Dataset two("made", classes);
          two.add("model", itm::testing::made_array(some->x, some->n, some->dims));
          want += itm::rank(two, options).results.at(0).models.at(0).score / 3;
        }
        EXPECT_NEAR(some->score(method, false, options), want, 1e-7 * std::max(1.0, std::abs(want))) << method;
      }
    }
  }
}

/// Against ranks by counting.
TEST(ParcTargets, AreTheRankCorrelationOfAllPairs) {
  const Case c(25, 5, 4, 14);
  const auto distances = [&](Numbers rows, std::size_t cols) {
    for (std::size_t d = 0; d < cols; ++d) {
      double mean = 0;
      double square = 0;
      for (std::size_t i = 0; i < c.n; ++i) {
        mean += rows[i * cols + d] / static_cast<double>(c.n);
        square += std::pow(rows[i * cols + d], 2) / static_cast<double>(c.n);
      }
      for (std::size_t i = 0; i < c.n; ++i) {
        rows[i * cols + d] = (rows[i * cols + d] - mean) / std::sqrt(square - mean * mean);
      }
    }
    const auto pearson = [&](std::size_t i, std::size_t j) {
      const double* a = rows.data() + i * cols;
      const double* b = rows.data() + j * cols;
      const double ma = std::accumulate(a, a + cols, 0.0) / static_cast<double>(cols);
      const double mb = std::accumulate(b, b + cols, 0.0) / static_cast<double>(cols);
      double ab = 0;
      double aa = 0;
      double bb = 0;
      for (std::size_t d = 0; d < cols; ++d) {
        ab += (a[d] - ma) * (b[d] - mb);
        aa += (a[d] - ma) * (a[d] - ma);
        bb += (b[d] - mb) * (b[d] - mb);
      }
      return ab / std::sqrt(aa * bb);
    };
    Numbers all;
    for (std::size_t i = 0; i < c.n; ++i) {
      for (std::size_t j = i + 1; j < c.n; ++j) {
        all.push_back(1 - pearson(i, j));
      }
    }
    return all;
  };
  const double rho = itm::spearman_rho(distances(c.x, c.dims), distances(c.y, c.count)).value();
  EXPECT_NEAR(c.score("parc"), 100 * rho, 1e-6);
}

TEST(Targets, ThatAreConstantAreLeftOutAndSaidSo) {
  const Case c(60, 5, 3, 15);
  for (const Case& some : {c, c.binary()}) {
    Case more = some;
    more.count = 4;
    more.y.clear();
    for (std::size_t i = 0; i < c.n; ++i) {
      more.y.insert(more.y.end(), some.y.begin() + static_cast<std::ptrdiff_t>(3 * i),
                    some.y.begin() + static_cast<std::ptrdiff_t>(3 * i + 3));
      more.y.push_back(0);  // a label that no row has
    }
    for (const char* method : {"logme", "parc", "knn", "linear_probe"}) {
      const RankedDataset result = more.rank(method, false);
      EXPECT_EQ(result.models.at(0).score, some.score(method)) << method;
      EXPECT_EQ(result.remarks.at(0), "1 of 4 targets are the same in all rows and were left out");
    }
  }
}

TEST(Targets, OfOneColumnAreScored) {
  const Case numbers(60, 5, 1, 16);
  for (const Case& c : {numbers, numbers.binary()}) {
    for (const char* method : {"logme", "knn", "linear_probe"}) {
      EXPECT_TRUE(std::isfinite(c.score(method))) << method;
    }
  }
  EXPECT_TRUE(std::isfinite(numbers.binary().score("transrate")));
}

std::string refusal_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const itm::InputError& error) {
    return error.what();
  }
  return "accepted";
}

void expect_refused(const std::function<void()>& work, const std::string& part) {
  const std::string said = refusal_of(work);
  EXPECT_NE(said.find(part), std::string::npos) << said;
}

TEST(Targets, AreRefusedByMethodsForClassesWhichNameTheOthers) {
  const Case numbers(60, 5, 3, 17);
  for (const char* method : {"itm", "sfda", "hscore", "transrate"}) {
    expect_refused([&] { (void)numbers.score(method); },
                   std::string(method) + " does not score; logme, parc, knn and linear_probe do");
  }
  expect_refused(
      [&] { (void)numbers.binary().score("itm"); },
      "holds several labels a row (zeros and ones), which itm does not score; logme, parc, hscore, transrate, "
      "knn and linear_probe do");
  const Case few(60, 5, 2, 18);
  expect_refused([&] { (void)few.score("parc"); }, "for which it needs 3 or more that vary, and there are 2");
}

TEST(Targets, AreScoredByAllMethodsThatTakeThem) {
  const Case c(60, 5, 3, 19);
  Dataset data("made", itm::testing::made_array(c.y, c.n, c.count));
  data.add("model", itm::testing::made_array(c.x, c.n, c.dims));
  RankOptions options;
  options.method = "all";
  const itm::RankReport report = itm::rank(data, options);
  std::vector<std::string> scored;
  for (const RankedDataset& result : report.results) {
    scored.push_back(result.method);
    EXPECT_EQ(result.models.size(), 1U);
  }
  EXPECT_EQ(scored, (std::vector<std::string>{"logme", "parc", "knn", "linear_probe"}));
  EXPECT_EQ(report.skipped.size(), itm::estimators().size() - scored.size());
}

TEST(Targets, WithoutANumberOrWithOtherRowsAreRefused) {
  Case c(60, 5, 2, 20);
  c.y[2 * 7 + 1] = std::numeric_limits<double>::quiet_NaN();
  expect_refused([&] { (void)c.score("logme"); }, "row 7, column 1 is NaN; every row needs its targets");
  Case shorter(60, 5, 2, 20);
  Dataset data("made", itm::testing::made_array(Numbers(59 * 2, 0.5), 59, 2));
  data.add("model", itm::testing::made_array(shorter.x, 60, 5));
  expect_refused([&] { (void)itm::rank(data, {.method = "logme"}); }, "has 59 rows, but model has 60");
  Case constant(60, 5, 2, 20);
  std::fill(constant.y.begin(), constant.y.end(), 2.0);
  expect_refused([&] { (void)constant.score("logme"); }, "every target is the same in all 60 rows");
}

TEST(Targets, FollowTheRowsThatAreScored) {
  const Case c(300, 5, 2, 21);
  RankOptions options;
  options.rows = 80;
  for (const char* method : {"logme", "knn", "linear_probe"}) {
    const RankedDataset result = c.rank(method, true, options);
    EXPECT_EQ(result.models.at(0).details.number("rows"), 80) << method;
    EXPECT_TRUE(std::isfinite(result.models.at(0).score));
  }
  // Rows with a NaN go with their targets.
  Case bad = c;
  bad.x[0] = std::numeric_limits<double>::quiet_NaN();
  Case without(299, 5, 2, 21);
  std::copy(c.x.begin() + 5, c.x.end(), without.x.begin());
  std::copy(c.y.begin() + 2, c.y.end(), without.y.begin());
  RankOptions drop;
  drop.drop_bad_rows = true;
  EXPECT_EQ(bad.score("logme", false, drop), without.score("logme"));
}

TEST(Targets, ChooseFilesByTheirNames) {
  const itm::testing::TemporaryFolder folder;
  const Case c(40, 4, 3, 22);
  const std::size_t features[] = {40, 4};
  const std::size_t targets[] = {40, 3};
  itm::write_npy<double>(folder / "a_depth_feature.npy", c.x, features);
  itm::write_npy<double>(folder / "b_depth_feature.npy", c.x, features);
  itm::write_npy<double>(folder / "depth_target.npy", c.y, targets);
  const itm::RankReport report = itm::rank_zoo(itm::discover_zoo(folder.path()), {.method = "logme"});
  EXPECT_EQ(report.results.at(0).dataset, "depth");
  EXPECT_EQ(report.results.at(0).models.size(), 2U);
  EXPECT_EQ(report.results.at(0).models[0].score, c.score("logme"));

  // With labels as well, they are what is scored, unless the person says otherwise.
  std::vector<std::int64_t> labels(40);
  std::iota(labels.begin(), labels.end(), 0);
  std::transform(labels.begin(), labels.end(), labels.begin(), [](auto i) { return i % 2; });
  const std::size_t rows[] = {40};
  itm::write_npy<std::int64_t>(folder / "depth_label.npy", labels, rows);
  const itm::Zoo both = itm::discover_zoo(folder.path());
  EXPECT_FALSE(both.entries("depth")[0].target);
  ASSERT_EQ(both.remarks.size(), 1U);
  EXPECT_EQ(both.remarks[0], "depth has labels and targets: its labels are scored; pass --targets for the others");
  itm::ZooOptions options;
  options.targets = true;
  EXPECT_EQ(itm::rank_zoo(itm::discover_zoo(folder.path(), options), {.method = "logme"}).results.at(0).models[0].score,
            c.score("logme"));
}

}  // namespace
