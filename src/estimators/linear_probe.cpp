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
  const Classes classes = device.classes(device.index(labels), input.classes());
  const Matrix x = classifier_rows(input, order);

  const Matrix found = device.matrix(2, folds);  // rows that are right, and their cross-entropy
  std::size_t iterations = 0;
  std::size_t converged = 0;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    const RowRange& held_out = fold_ranges[fold];
    const std::size_t after = held_out.first + held_out.count;
    const RowRange training[] = {{0, held_out.first}, {after, input.rows() - after}};
    const LinearClassifier classifier =
        fit_linear_classifier(device, x, classes, training, input.number("l2"),
                              {.iterations = input.count("iterations")}, [&] { input.check_cancelled(); });
    for_each_logits(device, x, held_out, classifier.weights, [&](View z, std::size_t first) {
      const ConstIndexView mine = classes.labels(first, z.rows());
      const Index predicted = device.index_scratch(z.rows());
      device.argmax_rows(z, predicted);
      device.add_equal(predicted, mine, found.row(0).columns(fold, 1));
      device.add_cross_entropy(z, mine, found.row(1).columns(fold, 1));
    });
    iterations += classifier.fit.iterations;
    converged += classifier.fit.converged ? 1 : 0;
  }

  const std::vector<double> sums = device.read(found);
  std::vector<double> accuracies;
  double loss = 0;
  Scored scored;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    accuracies.push_back(sums[fold] / static_cast<double>(fold_ranges[fold].count));
    loss += sums[folds + fold];
    scored.score += accuracies.back() / static_cast<double>(folds);
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
       .tolerance = 1e-2,  // a row of a fold may change sides
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
