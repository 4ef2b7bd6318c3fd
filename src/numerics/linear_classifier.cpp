#include "numerics/linear_classifier.hpp"

#include <algorithm>
#include <cmath>

#include "numerics/columns.hpp"

namespace itm {
namespace {

double squared_norm(Device& device, View x) {
  const Matrix squares = device.scratch(1, x.rows());
  device.row_squares(x, squares);
  return device.sum(squares);
}

/// The best constant prediction to begin with: the logarithms of the classes' shares.
std::vector<double> log_shares(Device& device, View x, IndexView labels, std::size_t classes,
                               std::span<const RowRange> ranges) {
  constexpr double never = -30;  // of a class without rows; its optimum is minus infinity
  const Matrix counts = device.matrix(classes, 1);
  double n = 0;
  for (const RowRange& range : ranges) {
    const View ones = x.rows(range.first, range.count).columns(x.cols() - 1, 1);
    device.add_class_sums(ones, labels.columns(range.first, range.count), counts);
    n += static_cast<double>(range.count);
  }
  std::vector<double> shares = device.download(counts);
  for (double& share : shares) {
    share = share > 0 ? std::log(share / n) : never;
  }
  return shares;
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

double cross_entropy(Device& device, View z, IndexView labels) {
  const Matrix numbers = device.scratch(2, z.rows());
  device.log_sum_exp_rows(z, numbers.row(0));
  device.pick(z, labels, numbers.row(1));
  return device.sum(numbers.row(0)) - device.sum(numbers.row(1));
}

void for_each_logits(Device& device, View x, RowRange range, View weights,
                     const std::function<void(View z, std::size_t first)>& use) {
  constexpr std::size_t block = 1024;
  const Matrix buffer = device.scratch(std::min(block, range.count), weights.rows());
  for (std::size_t done = 0; done < range.count; done += block) {
    const View z = buffer.rows(0, std::min(block, range.count - done));
    const std::size_t first = range.first + done;
    device.multiply(1, x.rows(first, z.rows()), Op::none, weights, Op::transpose, 0, z);
    use(z, first);
  }
}

LinearClassifier fit_linear_classifier(Device& device, View x, IndexView labels, std::size_t classes,
                                       std::span<const RowRange> ranges, double l2, const LbfgsOptions& options,
                                       const std::function<void()>& between) {
  const std::size_t dims = x.cols() - 1;
  LinearClassifier made{device.matrix(classes, dims + 1), {}};
  device.upload(log_shares(device, x, labels, classes, ranges), made.weights.view().columns(dims, 1));
  fit_linear_classifier(device, x, labels, ranges, l2, options, between, made);
  return made;
}

void fit_linear_classifier(Device& device, View x, IndexView labels, std::span<const RowRange> ranges, double l2,
                           const LbfgsOptions& options, const std::function<void()>& between, LinearClassifier& made) {
  const std::size_t dims = x.cols() - 1;
  // What the gradient has of the labels: sum_i x_i per class.
  const Matrix label_part = device.matrix(made.weights.rows(), dims + 1);
  double n = 0;
  for (const RowRange& range : ranges) {
    device.add_class_sums(x.rows(range.first, range.count), labels.columns(range.first, range.count), label_part);
    n += static_cast<double>(range.count);
  }
  const auto objective = [&](View weights, View gradient) {
    if (between) {
      between();
    }
    double loss = l2 / 2 * squared_norm(device, weights.columns(0, dims));
    device.copy(weights, gradient);
    device.scale(l2, gradient);
    device.fill(gradient.columns(dims, 1), 0);
    device.add(-1, label_part, gradient);
    for (const RowRange& range : ranges) {
      for_each_logits(device, x, range, weights, [&](View z, std::size_t first) {
        loss += cross_entropy(device, z, labels.columns(first, z.rows()));
        device.softmax_rows(z);
        device.multiply(1, z, Op::transpose, x.rows(first, z.rows()), Op::none, 1, gradient);
      });
    }
    device.scale(1 / n, gradient);
    return loss / n;
  };
  made.fit = minimise(device, objective, made.weights, options);
}

}  // namespace itm
