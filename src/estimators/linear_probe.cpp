// The linear probe: accuracy of multinomial logistic regression on the standardised features, by stratified
// cross-validation.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "estimators/registry.hpp"
#include "itm/error.hpp"
#include "numerics/class_rows.hpp"
#include "numerics/linear_classifier.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

Scored score_linear_probe(const ModelInput& input) {
  Device& device = input.device();
  const std::size_t folds = input.count("folds");
  if (folds > input.rows()) {
    throw InputError(fmt::format("{}: has {} rows, which cannot be cut into {} folds; lower --linear_probe-folds",
                                 input.file(), with_commas(input.rows()), folds));
  }
  // Rows in the order of their folds: what a fold trains on is then all rows but one run.
  std::vector<std::uint32_t> order;
  std::vector<RowRange> fold_ranges;
  for (const std::vector<std::uint32_t>& rows : stratified_folds(input.labels(), folds, input.seed())) {
    fold_ranges.push_back({order.size(), rows.size()});
    order.insert(order.end(), rows.begin(), rows.end());
  }
  std::vector<std::int32_t> labels;
  std::transform(order.begin(), order.end(), std::back_inserter(labels),
                 [&](std::uint32_t row) { return input.labels().values[row]; });
  const Index index = device.index(labels);
  const Matrix x = classifier_rows(input, order);

  std::vector<double> accuracies;
  double loss = 0;
  std::size_t iterations = 0;
  std::size_t converged = 0;
  for (const RowRange& held_out : fold_ranges) {
    const std::size_t after = held_out.first + held_out.count;
    const RowRange training[] = {{0, held_out.first}, {after, input.rows() - after}};
    const LinearClassifier classifier =
        fit_linear_classifier(device, x, index, input.classes(), training, input.number("l2"),
                              {.iterations = input.count("iterations")}, [&] { input.check_cancelled(); });
    std::size_t correct = 0;
    for_each_logits(device, x, held_out, classifier.weights, [&](View z, std::size_t first) {
      loss += cross_entropy(device, z, index.view().columns(first, z.rows()));
      const std::vector<std::int32_t> predicted = device.argmax_rows(z);
      for (std::size_t i = 0; i < predicted.size(); ++i) {
        correct += predicted[i] == labels[first + i] ? 1 : 0;
      }
    });
    accuracies.push_back(static_cast<double>(correct) / static_cast<double>(held_out.count));
    iterations += classifier.fit.iterations;
    converged += classifier.fit.converged ? 1 : 0;
  }

  Scored scored;
  for (const double accuracy : accuracies) {
    scored.score += accuracy / static_cast<double>(folds);
  }
  loss /= static_cast<double>(input.rows());
  scored.tie_break = -loss;
  scored.details["linear_probe_fold_accuracy"] = accuracies;
  scored.details["linear_probe_log_loss"] = loss;
  scored.details["linear_probe_iterations"] = iterations;
  scored.details["linear_probe_folds_converged"] = converged;
  return scored;
}

/// Five folds of about 35 products each way.
Cost cost(const Workload& work, const RankOptions& options) {
  return {static_cast<double>(options.repeats) * 8.7e-9 * work.rows * work.dims * work.classes,
          work.bytes + 24 * work.rows * work.classes};
}

}  // namespace

Estimator linear_probe_estimator() {
  return model_estimator(
      {.name = "linear_probe",
       .description = "cross-validated accuracy of logistic regression on the standardised features",
       .citation = "Alain and Bengio, Understanding Intermediate Layers Using Linear Classifier Probes, ICLR 2017",
       .seeded = true,
       .settings = {{.name = "folds",
                     .standard = 5.0,
                     .help = "Folds of the cross-validation",
                     .low = 2,
                     .high = 100,
                     .whole = true},
                    {.name = "l2", .standard = 1.0, .help = "Penalty on the weights, 1 / C of scikit-learn"},
                    {.name = "iterations",
                     .standard = 100.0,
                     .help = "L-BFGS steps per fold at most",
                     .low = 1,
                     .whole = true}},
       .unit = ScoreUnit::accuracy,
       .cost = cost},
      score_linear_probe);
}

}  // namespace itm
