// The linear probe: accuracy of multinomial logistic regression on the standardised features, by stratified
// cross-validation. Of several labels a row: the area under the curve of logistic regressions; of numbers: the variance
// that ridge regression explains.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "estimators/registry.hpp"
#include "itm/error.hpp"
#include "numerics/held_out.hpp"
#include "numerics/linear_classifier.hpp"
#include "numerics/ridge.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

std::vector<RowRange> all_but(const RowRange& held_out, std::size_t rows) {
  const std::size_t after = held_out.first + held_out.count;
  return {{0, held_out.first}, {after, rows - after}};
}

/// How the searches of all folds went.
struct Searches {
  std::size_t iterations = 0;
  std::size_t converged = 0;
  void add(const LbfgsResult& fit) {
    iterations += fit.iterations;
    converged += fit.converged ? 1 : 0;
  }
  void tell(Scored& scored) const {
    scored.details["linear_probe_iterations"] = iterations;
    scored.details["linear_probe_folds_converged"] = converged;
  }
};

Scored score_classes(const ModelInput& input, const Folds& folds) {
  Device& device = input.device();
  std::vector<std::int32_t> labels;
  std::transform(folds.order.begin(), folds.order.end(), std::back_inserter(labels),
                 [&](std::uint32_t row) { return input.labels().values[row]; });
  const Classes classes = device.classes(device.index(labels), input.classes());
  const Matrix x = classifier_rows(input, folds.order);

  const std::size_t count = folds.held_out.size();
  const Matrix found = device.matrix(2, count);  // rows that are right, and their cross-entropy
  Searches searches;
  for (std::size_t fold = 0; fold < count; ++fold) {
    const LinearClassifier classifier =
        fit_linear_classifier(device, x, classes, all_but(folds.held_out[fold], input.rows()), input.number("l2"),
                              {.iterations = input.count("iterations")}, [&] { input.check_cancelled(); });
    for_each_logits(device, x, folds.held_out[fold], classifier.weights, [&](View z, std::size_t first) {
      const ConstIndexView mine = classes.labels(first, z.rows());
      const Index predicted = device.index_scratch(z.rows());
      device.argmax_rows(z, predicted);
      device.add_equal(predicted, mine, found.row(0).columns(fold, 1));
      device.add_cross_entropy(z, mine, found.row(1).columns(fold, 1));
    });
    searches.add(classifier.fit);
  }

  const std::vector<double> sums = device.read(found);
  std::vector<double> accuracies;
  double loss = 0;
  Scored scored;
  for (std::size_t fold = 0; fold < count; ++fold) {
    accuracies.push_back(sums[fold] / static_cast<double>(folds.held_out[fold].count));
    loss += sums[count + fold];
    scored.score += accuracies.back() / static_cast<double>(count);
  }
  loss /= static_cast<double>(folds.rows());
  scored.tie_break = -loss;
  scored.details["linear_probe_fold_accuracy"] = accuracies;
  scored.details["linear_probe_log_loss"] = loss;
  searches.tell(scored);
  return scored;
}

/// What stands for each row that is held out, fold after fold, [rows, T].
struct HeldOutRows {
  std::vector<double> targets;
  std::vector<double> predicted;
  std::vector<RowRange> folds;

  HeldOutRows(const ModelInput& input, const Folds& all) {
    std::vector<std::uint32_t> rows;
    for (const RowRange& fold : all.held_out) {
      folds.push_back({rows.size(), fold.count});
      const auto first = all.order.begin() + static_cast<std::ptrdiff_t>(fold.first);
      rows.insert(rows.end(), first, first + static_cast<std::ptrdiff_t>(fold.count));
    }
    targets = input.target_values(rows);
  }
  void add(const std::vector<double>& more) { predicted.insert(predicted.end(), more.begin(), more.end()); }
};

Scored scored_by(const HeldOutScore& found, const char* detail) {
  Scored scored;
  scored.score = found.score;
  scored.error = found.error;
  scored.details[detail] = found.each;
  return scored;
}

/// Logistic regression of every label.
Scored score_labels(const ModelInput& input, const Folds& folds) {
  Device& device = input.device();
  const Matrix y = device.matrix_of(input.target_values(folds.order), input.rows(), input.target_count());
  const Matrix x = classifier_rows(input, folds.order);
  HeldOutRows rows(input, folds);
  Searches searches;
  for (const RowRange& fold : folds.held_out) {
    const LinearClassifier classifier =
        fit_logistic_regressions(device, x, y, all_but(fold, input.rows()), input.number("l2"),
                                 {.iterations = input.count("iterations")}, [&] { input.check_cancelled(); });
    for_each_logits(device, x, fold, classifier.weights, [&](View z, std::size_t) { rows.add(device.read(z)); });
    searches.add(classifier.fit);
  }
  Scored scored = scored_by(area_under_curves(rows.predicted, rows.targets, input.target_count(), rows.folds),
                            "linear_probe_label_auc");
  searches.tell(scored);
  return scored;
}

/// Ridge regression of every target.
Scored score_numbers(const ModelInput& input, const Folds& folds) {
  Device& device = input.device();
  const Matrix y = device.matrix_of(input.target_values(folds.order), input.rows(), input.target_count());
  Matrix x = classifier_rows(input, folds.order);
  if (input.dims() > input.rows()) {
    const Matrix narrow = narrowed(device, x.columns(0, input.dims()));
    x = device.scratch(input.rows(), input.rows() + 1);
    device.copy(narrow, x.columns(0, input.rows()));
    device.fill(x.columns(input.rows(), 1), 1);
  }
  const Ridge ridge(device, x, y);
  HeldOutRows rows(input, folds);
  for (const RowRange& fold : folds.held_out) {
    input.check_cancelled();
    rows.add(device.read(ridge.predict(fold, input.number("l2"))));
  }
  return scored_by(explained_variance(rows.predicted, rows.targets, input.target_count()), "linear_probe_target_r2");
}

Scored score_linear_probe(const ModelInput& input) {
  const std::size_t wanted = input.count("folds");
  if (!input.has_split() && wanted > input.rows()) {
    throw InputError(fmt::format("{}: has {} rows, which cannot be cut into {} folds; lower --linear_probe-folds",
                                 input.file(), with_commas(input.rows()), wanted));
  }
  const Folds folds = folds_of(input, wanted);
  switch (input.kind()) {
    case TargetKind::labels:
      return score_labels(input, folds);
    case TargetKind::numbers:
      return score_numbers(input, folds);
    case TargetKind::classes:
      break;
  }
  return score_classes(input, folds);
}

/// Five folds of about 35 products each way.
Cost cost_of_linear_probe(const Workload& work, const RankOptions&) {
  return {7e-9 * descent_work(work), work.bytes + 24 * work.rows * work.classes};
}

}  // namespace

Estimator linear_probe_estimator() {
  return model_estimator(
      {.name = "linear_probe",
       .description = "cross-validated logistic regression (numbers: ridge) on the standardised features",
       .citation = "Alain and Bengio, Understanding Intermediate Layers Using Linear Classifier Probes, ICLR 2017",
       .inputs = {.regression = true, .multi_label = true},
       .seeded = true,
       .validates = true,
       .tolerance = 1e-5,  // the search ends before its optimum
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
       .cost = cost_of_linear_probe},
      score_linear_probe);
}

}  // namespace itm
