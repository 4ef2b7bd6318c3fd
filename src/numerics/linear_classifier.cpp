#include "numerics/linear_classifier.hpp"

#include <algorithm>
#include <cmath>

#include "numerics/columns.hpp"

namespace itm {
namespace {

/// The best constant prediction to begin with: the logarithms of the classes' shares of the rows.
std::vector<double> log_shares(const std::vector<double>& counts, double n) {
  constexpr double never = -30;  // of a class without rows; its optimum is minus infinity
  std::vector<double> shares(counts.size());
  std::transform(counts.begin(), counts.end(), shares.begin(),
                 [n](double count) { return count > 0 ? std::log(count / n) : never; });
  return shares;
}

double rows_in(std::span<const RowRange> ranges) {
  double n = 0;
  for (const RowRange& range : ranges) {
    n += static_cast<double>(range.count);
  }
  return n;
}

/// sum_i x_i per class.
Matrix class_sums(Device& device, ConstView x, const Classes& labels, std::span<const RowRange> ranges) {
  Matrix sums = device.matrix(labels.count(), x.cols());
  for (const RowRange& range : ranges) {
    device.add_class_sums(x.rows(range.first, range.count), labels.rows(range.first, range.count), sums);
  }
  return sums;
}

/// Minimises (fit + l2 / 2 |W|^2) / n: add_fit(weights, gradient, value) adds the fit of n rows and its gradient.
void descend(Device& device, double n, double l2, const LbfgsOptions& options, const std::function<void()>& between,
             const std::function<void(ConstView weights, View gradient, View value)>& add_fit, LinearClassifier& made) {
  const std::size_t dims = made.weights.cols() - 1;
  const auto objective = [&](ConstView weights, View gradient, View value) {
    if (between) {
      between();
    }
    const ConstView penalised = weights.columns(0, dims);
    device.fill(value, 0);
    device.add_dot(penalised, penalised, value);
    device.scale(l2 / 2, value);
    device.copy(weights, gradient);
    device.scale(l2, gradient);
    device.fill(gradient.columns(dims, 1), 0);
    add_fit(weights, gradient, value);
    device.scale(1 / n, gradient);
    device.scale(1 / n, value);
  };
  made.fit = minimise(device, objective, made.weights, options);
}

struct TrainingRows {
  ConstView x;
  const Classes& labels;
  std::span<const RowRange> ranges;
  Matrix class_sums;  ///< what the gradient has of the labels
};

void descend(const TrainingRows& rows, Device& device, double l2, const LbfgsOptions& options,
             const std::function<void()>& between, LinearClassifier& made) {
  const auto add_fit = [&](ConstView weights, View gradient, View value) {
    device.add(-1, rows.class_sums, gradient);
    for (const RowRange& range : rows.ranges) {
      for_each_logits(device, rows.x, range, weights, [&](View z, std::size_t first) {
        device.softmax_cross_entropy(z, rows.labels.labels(first, z.rows()), value);
        device.multiply(1, z, Op::transpose, rows.x.rows(first, z.rows()), Op::none, 1, gradient);
      });
    }
  };
  descend(device, rows_in(rows.ranges), l2, options, between, add_fit, made);
}

}  // namespace

Matrix classifier_rows(const ModelInput& input, std::span<const std::uint32_t> rows) {
  Device& device = input.device();
  const std::size_t dims = input.dims();
  Matrix x = device.scratch(rows.empty() ? input.rows() : rows.size(), dims + 1);
  input.for_each_block(
      rows, [&](View block, std::size_t first) { device.copy(block, x.rows(first, block.rows()).columns(0, dims)); });
  standardise_columns(device, x.view().columns(0, dims));
  device.fill(x.view().columns(dims, 1), 1);
  return x;
}

void for_each_logits(Device& device, ConstView x, RowRange range, ConstView weights,
                     const std::function<void(View z, std::size_t first)>& use) {
  const std::size_t block = std::max<std::size_t>(1024, device.block_rows(weights.rows()));
  const Matrix buffer = device.scratch(std::min(block, range.count), weights.rows());
  for (std::size_t done = 0; done < range.count; done += block) {
    const View z = buffer.rows(0, std::min(block, range.count - done));
    const std::size_t first = range.first + done;
    device.multiply(1, x.rows(first, z.rows()), Op::none, weights, Op::transpose, 0, z);
    use(z, first);
  }
}

LinearClassifier fit_linear_classifier(Device& device, ConstView x, const Classes& labels,
                                       std::span<const RowRange> ranges, double l2, const LbfgsOptions& options,
                                       const std::function<void()>& between) {
  const std::size_t dims = x.cols() - 1;
  LinearClassifier made{device.matrix(labels.count(), dims + 1), {}};
  const Matrix sums = class_sums(device, x, labels, ranges);
  const std::vector<double> counts = device.read(sums.columns(dims, 1));  // of the column of ones
  device.upload(log_shares(counts, rows_in(ranges)), made.weights.columns(dims, 1));
  descend({x, labels, ranges, sums}, device, l2, options, between, made);
  return made;
}

void fit_linear_classifier(Device& device, ConstView x, const Classes& labels, std::span<const RowRange> ranges,
                           double l2, const LbfgsOptions& options, const std::function<void()>& between,
                           LinearClassifier& made) {
  descend({x, labels, ranges, class_sums(device, x, labels, ranges)}, device, l2, options, between, made);
}

LinearClassifier fit_logistic_regressions(Device& device, ConstView x, ConstView y, std::span<const RowRange> ranges,
                                          double l2, const LbfgsOptions& options,
                                          const std::function<void()>& between) {
  const double n = rows_in(ranges);
  LinearClassifier made{device.matrix(y.cols(), x.cols()), {}};
  const Matrix sums = device.matrix(1, y.cols());
  for (const RowRange& range : ranges) {
    device.add_column_sums(y.rows(range.first, range.count), sums);
  }
  std::vector<double> start = device.read(sums);
  std::transform(start.begin(), start.end(), start.begin(), [n](double with) {
    constexpr double never = 30;  // of a label that no row has, or all; the optimum is infinite
    return with <= 0 ? -never : with >= n ? never : std::log(with / (n - with));
  });
  device.upload(start, made.weights.columns(x.cols() - 1, 1));
  const auto add_fit = [&](ConstView weights, View gradient, View value) {
    for (const RowRange& range : ranges) {
      for_each_logits(device, x, range, weights, [&](View z, std::size_t first) {
        device.logistic_residuals(z, y.rows(first, z.rows()), value);
        device.multiply(1, z, Op::transpose, x.rows(first, z.rows()), Op::none, 1, gradient);
      });
    }
  };
  descend(device, n, l2, options, between, add_fit, made);
  return made;
}

}  // namespace itm
