// TransRate (Huang et al., "Frustratingly Easy Transferability Estimation", ICML 2022): the coding rate of all
// features minus that of the classes, R(Z) = 1/2 log det(I + Z Z^T / (n eps)), Z the centred rows.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "estimators/registry.hpp"
#include "numerics/class_rows.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

/// log det(I + S) of a positive semi-definite S (lower triangle read, overwritten).
double log_det_of_one_plus(Device& device, View s) {
  const Matrix values = device.scratch(1, s.rows());
  const Matrix factor = device.scratch(s.rows(), s.cols());
  device.copy(s, factor);
  device.add_to_diagonal(1, factor);
  double total = 0;
  if (device.cholesky(factor)) {
    device.diagonal(factor, values);
    for (const double pivot : device.download(values)) {
      total += 2 * std::log(pivot);
    }
    return total;
  }
  // Rounding of very large entries outweighs the identity: directions that are rounding count as empty.
  device.symmetric_eigen(s, values);
  for (const double value : device.download(values)) {
    total += std::log1p(std::max(value, 0.0));
  }
  return total;
}

class CodingRate {
 public:
  explicit CodingRate(const ModelInput& input)
      : input_(input),
        device_(input.device()),
        eps_(input.number("eps")),
        unit_rows_(input.word("rows") == "unit"),
        mean_(input.column_means()) {}

  /// R of some rows, from the smaller of Z^T Z and Z Z^T: their determinants agree.
  [[nodiscard]] double of(std::span<const std::uint32_t> rows) const {
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
      gram = device_.matrix(dims, dims);
      input_.for_each_block(rows, [&](View x, std::size_t) {
        prepare(x);
        device_.add_gram(1, x, gram);
      });
    }
    device_.scale(1 / (static_cast<double>(n) * eps_), gram);
    return log_det_of_one_plus(device_, gram) / 2;
  }

 private:
  void prepare(View x) const {
    device_.add_to_rows(-1, mean_, x);
    if (!unit_rows_) {
      return;
    }
    const Matrix squares = device_.scratch(1, x.rows());
    device_.row_squares(x, squares);
    std::vector<double> inverse = device_.download(squares);
    for (double& square : inverse) {
      square = square > 0 ? 1 / std::sqrt(square) : 0;
    }
    device_.upload(inverse, squares);
    device_.scale_rows(squares, x);
  }

  const ModelInput& input_;
  Device& device_;
  double eps_;
  bool unit_rows_;
  Matrix mean_;
};

Scored score_transrate(const ModelInput& input) {
  const CodingRate rate(input);
  std::vector<std::uint32_t> all(input.rows());
  std::iota(all.begin(), all.end(), 0U);
  std::vector<std::vector<std::uint32_t>> classes = rows_of_classes(input.labels());
  std::erase_if(classes, [](const auto& rows) { return rows.empty(); });

  const double whole = rate.of(all);
  double within = 0;
  for (const std::vector<std::uint32_t>& rows : classes) {
    // The paper's listing takes the classes to be of one size; its definition weighs them by theirs.
    const double weight = input.exact() ? static_cast<double>(rows.size()) / static_cast<double>(input.rows())
                                        : 1 / static_cast<double>(classes.size());
    within += weight * rate.of(rows);
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
       .settings = {{.name = "eps", .standard = 1e-4, .help = "Distortion of the code", .low = 1e-12},
                    {.name = "rows",
                     .standard = std::string("raw"),
                     .help = "Scale of the centred rows: raw, or unit length as in the authors' experiments",
                     .words = {"raw", "unit"}}}},
      score_transrate);
}

}  // namespace itm
