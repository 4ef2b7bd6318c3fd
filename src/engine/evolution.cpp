#include "engine/evolution.hpp"

#include <algorithm>
#include <limits>

#include "core/text.hpp"
#include "engine/itm_inputs.hpp"
#include "engine/itm_math.hpp"
#include "linalg/blas.hpp"

namespace itm {
namespace {

using blas::Op;
using Matrix = std::vector<double>;

/// Standardised rows, B x D.
Matrix gather(const Array& feature, const FeatureStatistics& statistics, std::span<const std::uint32_t> chosen) {
  const std::size_t dims = feature.cols();
  Matrix rows(chosen.size() * dims);
  std::vector<double> row(dims);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    feature.read_row<double>(chosen[i], row);
    math::standardise_row(row.data(), statistics.shift.data(), statistics.scale.data(), rows.data() + i * dims, dims);
  }
  return rows;
}

/// x weight^T + bias: (B, D) and (C, D) give (B, C).
Matrix affine(const Matrix& x, std::size_t dims, const Matrix& weight, const Matrix& bias) {
  const std::size_t batch = x.size() / dims;
  const std::size_t classes = bias.size();
  Matrix out(batch * classes);
  for (std::size_t i = 0; i < batch; ++i) {
    std::copy(bias.begin(), bias.end(), out.begin() + static_cast<std::ptrdiff_t>(i * classes));
  }
  blas::gemm<double>(Op::none, Op::transpose, batch, classes, dims, 1, x.data(), dims, weight.data(), dims, 1,
                     out.data(), classes);
  return out;
}

std::vector<std::int32_t> argmax_rows(const Matrix& logits, std::size_t classes) {
  std::vector<std::int32_t> best;
  for (auto row = logits.begin(); row != logits.end(); row += static_cast<std::ptrdiff_t>(classes)) {
    best.push_back(static_cast<std::int32_t>(std::max_element(row, row + static_cast<std::ptrdiff_t>(classes)) - row));
  }
  return best;
}

/// r += sign * Y, Y the centres of the targets.
void add_centres(Matrix& r, const std::vector<std::int32_t>& targets, const ItmPlan& plan, double sign) {
  const std::size_t classes = plan.labels.classes;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    math::add_scaled(r.data() + i * classes, plan.centres.data() + static_cast<std::size_t>(targets[i]) * classes, sign,
                     classes);
  }
}

}  // namespace

Evolution evolve_rows(const Array& feature, const FeatureStatistics& statistics, const ItmPlan& plan,
                      const ItmOptions& options, double eta, const ItmParameters& parameters,
                      std::span<const std::uint32_t> chosen) {
  blas::prepare();
  check_itm_inputs(path_text(feature.source()), feature.rows(), feature.cols(), statistics, plan, &parameters, {});
  const std::size_t batch = chosen.size();
  const std::size_t classes = plan.labels.classes;
  Matrix theta = affine(gather(feature, statistics, chosen), feature.cols(), parameters.psi_w, parameters.psi_b);
  for (std::size_t i = 0; i < batch; ++i) {
    (void)math::normalise_row(theta.data() + i * classes, classes);
  }
  const auto classify = [&](const Matrix& embedding) {
    return argmax_rows(affine(embedding, classes, parameters.head_w, parameters.head_b), classes);
  };
  std::vector<std::int32_t> targets(batch);
  if (options.validation_targets == ValidationTargets::predicted) {
    targets = classify(theta);
  } else {
    std::transform(chosen.begin(), chosen.end(), targets.begin(),
                   [&](std::uint32_t i) { return plan.labels.values[i]; });
  }

  Evolution out;
  Matrix& r = out.evolved;  // R, then E_n
  r = theta;
  add_centres(r, targets, plan, -1);
  Matrix inner(classes * classes);  // Theta^T R
  for (std::size_t step = 0; step < options.steps; ++step) {
    blas::gemm<double>(Op::transpose, Op::none, classes, classes, batch, 1, theta.data(), classes, r.data(), classes, 0,
                       inner.data(), classes);
    blas::gemm<double>(Op::none, Op::none, batch, classes, classes, -eta / static_cast<double>(batch), theta.data(),
                       classes, inner.data(), classes, 1, r.data(), classes);
  }
  add_centres(r, targets, plan, 1);
  out.predicted = classify(r);
  return out;
}

double neighbour_purity(const std::vector<double>& points, std::size_t dims, const std::vector<std::int32_t>& labels) {
  const std::size_t rows = labels.size();
  std::size_t pure = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    double nearest = std::numeric_limits<double>::infinity();
    std::int32_t label = -1;
    for (std::size_t j = 0; j < rows; ++j) {
      double square = 0;
      for (std::size_t d = 0; d < dims; ++d) {
        const double gap = points[i * dims + d] - points[j * dims + d];
        square += gap * gap;
      }
      if (j != i && square < nearest) {
        nearest = square;
        label = labels[j];
      }
    }
    pure += label == labels[i] ? 1 : 0;
  }
  return static_cast<double>(pure) / static_cast<double>(rows);
}

}  // namespace itm
