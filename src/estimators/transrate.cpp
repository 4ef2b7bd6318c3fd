// TransRate (Huang et al., "Frustratingly Easy Transferability Estimation", ICML 2022): the coding rate of all
// features minus that of the classes, R(Z) = 1/2 log det(I + Z Z^T / (n eps)), Z the centred rows.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "estimators/registry.hpp"
#include "itm/error.hpp"
#include "numerics/class_rows.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

class CodingRates {
 public:
  explicit CodingRates(const ModelInput& input)
      : input_(input),
        device_(input.device()),
        eps_(input.number("eps")),
        unit_rows_(input.word("rows") == "unit"),
        mean_(input.column_means()) {}

  /// R of several sets of rows, as many at once as the device wants.
  [[nodiscard]] std::vector<double> of(std::span<const std::vector<std::uint32_t>> sets) const {
    return of(sets.size(), [&](std::size_t i) { return gram(sets[i]); });
  }

  /// R of the rows with each label and, behind them, of those without it: a label's rows are few, and what is left of
  /// all products are the others'.
  [[nodiscard]] std::vector<double> of_labels(std::span<const std::vector<std::uint32_t>> with,
                                              std::span<const std::vector<std::uint32_t>> without) const {
    const std::size_t labels = with.size();
    if (input_.rows() < input_.dims()) {
      return of(2 * labels, [&](std::size_t i) { return gram(i < labels ? with[i] : without[i - labels]); });
    }
    const Matrix all = columns_gram({});
    return of(2 * labels, [&](std::size_t i) {
      if (i < labels) {
        return gram(with[i]);
      }
      const Matrix rest = columns_gram(with[i - labels]);
      device_.scale(-1, rest);
      device_.add(1, all, rest);
      scale_by(without[i - labels].size(), rest);
      return rest;
    });
  }

 private:
  /// R of the sets whose Gram matrices over n eps gram_of(i) makes.
  template <typename GramOf>
  [[nodiscard]] std::vector<double> of(std::size_t sets, const GramOf& gram_of) const {
    const Matrix found = device_.scratch(1, sets);
    for (std::size_t first = 0; first < sets;) {
      std::vector<Matrix> grams;
      std::size_t bytes = 0;
      while (first + grams.size() < sets && (grams.empty() || bytes < device_.batch_bytes())) {
        grams.push_back(gram_of(first + grams.size()));
        bytes += grams.back().size() * sizeof(double);
      }
      device_.log_dets_of_one_plus(grams, found.columns(first, grams.size()));
      first += grams.size();
    }
    std::vector<double> rates = device_.read(found);
    for (std::size_t i = 0; i < rates.size(); ++i) {
      rates[i] = (std::isnan(rates[i]) ? log_det_by_eigenvalues(gram_of(i)) : rates[i]) / 2;
    }
    return rates;
  }

  void scale_by(std::size_t n, View gram) const { device_.scale(1 / (static_cast<double>(n) * eps_), gram); }

  /// Z^T Z of some rows; of all when none are given.
  [[nodiscard]] Matrix columns_gram(std::span<const std::uint32_t> rows) const {
    Matrix gram = device_.matrix(input_.dims(), input_.dims());
    input_.for_each_block(rows, [&](View x, std::size_t) {
      prepare(x);
      device_.add_gram(1, x, gram);
    });
    return gram;
  }

  /// The smaller of Z^T Z and Z Z^T, over n eps: their determinants agree.
  [[nodiscard]] Matrix gram(std::span<const std::uint32_t> rows) const {
    const std::size_t n = rows.size();
    const std::size_t dims = input_.dims();
    Matrix gram;
    if (n < dims) {
      const Matrix z = device_.scratch(n, dims);
      input_.for_each_block(rows, [&](View x, std::size_t first) {
        prepare(x);
        device_.copy(x, z.rows(first, x.rows()));
      });
      gram = device_.scratch(n, n);
      device_.multiply(1, z, Op::none, z, Op::transpose, 0, gram);
    } else {
      gram = columns_gram(rows);
    }
    scale_by(n, gram);
    return gram;
  }

  /// Rounding of very large entries outweighs the identity: directions that are rounding count as empty.
  [[nodiscard]] double log_det_by_eigenvalues(const Matrix& s) const {
    const Matrix values = device_.scratch(1, s.rows());
    device_.symmetric_eigen(s, values);
    double total = 0;
    for (const double value : device_.read(values)) {
      total += std::log1p(std::max(value, 0.0));
    }
    return total;
  }

  void prepare(View x) const {
    device_.add_to_rows(-1, mean_, x);
    if (!unit_rows_) {
      return;
    }
    const Matrix squares = device_.scratch(1, x.rows());
    device_.row_squares(x, squares);
    device_.map(Map::inverse_root, squares);
    device_.scale_rows(squares, x);
  }

  const ModelInput& input_;
  Device& device_;
  double eps_;
  bool unit_rows_;
  Matrix mean_;
};

/// Every label as two classes, those that have it and those that have not; the mean over the labels.
Scored score_labels(const ModelInput& input) {
  const std::size_t labels = input.target_count();
  const std::vector<double> values = input.target_values();
  std::vector<std::vector<std::uint32_t>> with;
  std::vector<std::vector<std::uint32_t>> without;
  for (std::size_t t = 0; t < labels; ++t) {
    std::vector<std::uint32_t> sides[2];
    for (std::uint32_t row = 0; row < input.rows(); ++row) {
      sides[values[row * labels + t] == 1 ? 1 : 0].push_back(row);
    }
    if (!sides[0].empty() && !sides[1].empty()) {  // else, without a group of rows, all are alike
      without.push_back(std::move(sides[0]));
      with.push_back(std::move(sides[1]));
    }
  }
  if (with.empty()) {
    throw InputError("no label is both there and not there");
  }
  std::vector<std::uint32_t> all(input.rows());
  std::iota(all.begin(), all.end(), 0U);
  const CodingRates coding(input);
  const double whole = coding.of(std::span(&all, 1)).front();
  const std::vector<double> rates = coding.of_labels(with, without);
  double within = 0;
  for (std::size_t t = 0; t < with.size(); ++t) {
    const double share = input.exact() ? static_cast<double>(with[t].size()) / static_cast<double>(input.rows()) : 0.5;
    within += (share * rates[t] + (1 - share) * rates[with.size() + t]) / static_cast<double>(with.size());
  }
  Scored scored;
  scored.score = whole - within;
  scored.details["transrate_rate"] = whole;
  scored.details["transrate_class_rate"] = within;
  return scored;
}

Scored score_transrate(const ModelInput& input) {
  if (input.kind() == TargetKind::labels) {
    return score_labels(input);
  }
  // All rows, then those of every class.
  std::vector<std::vector<std::uint32_t>> sets = rows_of_classes(input.labels());
  std::erase_if(sets, [](const auto& rows) { return rows.empty(); });
  sets.emplace(sets.begin(), input.rows());
  std::iota(sets.front().begin(), sets.front().end(), 0U);
  const std::vector<double> rates = CodingRates(input).of(sets);

  const double whole = rates.front();
  const std::size_t classes = sets.size() - 1;
  double within = 0;
  for (std::size_t c = 1; c <= classes; ++c) {
    // The paper's listing takes the classes to be of one size; its definition weighs them by theirs.
    const double weight = input.exact() ? static_cast<double>(sets[c].size()) / static_cast<double>(input.rows())
                                        : 1 / static_cast<double>(classes);
    within += weight * rates[c];
  }
  Scored scored;
  scored.score = whole - within;
  scored.details["transrate_rate"] = whole;
  scored.details["transrate_class_rate"] = within;
  return scored;
}

}  // namespace

Estimator transrate_estimator() {
  return model_estimator(
      {.name = "transrate",
       .description = "coding rate of all features minus that within the classes",
       .citation = "Huang et al., Frustratingly Easy Transferability Estimation, ICML 2022",
       .inputs = {.multi_label = true},
       .settings = {{.name = "eps", .standard = 1e-4, .help = "Distortion of the code", .low = 1e-12},
                    {.name = "rows",
                     .standard = std::string("raw"),
                     .help = "Scale of the centred rows: raw, or unit length as in the authors' experiments",
                     .words = {"raw", "unit"}}}},
      score_transrate);
}

}  // namespace itm
