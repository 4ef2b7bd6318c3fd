// LEAD, evolution in the space of logits (Hu et al., "LEAD: Exploring Logit Space Evolution for Model Selection", CVPR
// 2024): fine-tuning moves the logits of class k from those of a linear classifier towards the one-hot labels, at the
// rate of the class's mean eigenvalue of a neural tangent kernel. There is no published code; docs/methods.md lists
// what is chosen here.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/gaussian.hpp"
#include "estimators/registry.hpp"
#include "numerics/class_rows.hpp"
#include "numerics/linear_classifier.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

/// A random head f_k(x) = sum_h a_kh relu(<w_h, x> / sqrt(D)) / sqrt(H) with standard normal w and a. Its hidden units
/// come in pairs w, -w with the same a: whatever x is, one of each pair is active, which makes the trace of the tangent
/// kernel a quadratic form and halves its variance.
struct Head {
  Matrix weights;  ///< P x D, P = H / 2 pairs
  double output;   ///< mean of a_kh^2 over pairs and outputs
};

Head random_head(const ModelInput& input, std::size_t pairs) {
  constexpr std::uint64_t hidden = philox::stream_id("lead hidden weights");
  constexpr std::uint64_t output = philox::stream_id("lead output weights");
  std::vector<double> w(pairs * input.dims());
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = philox::normal(input.seed(), hidden, i);
  }
  const std::size_t outputs = pairs * input.classes();
  double energy = 0;
  for (std::size_t i = 0; i < outputs; ++i) {
    const double a = philox::normal(input.seed(), output, i);
    energy += a * a;
  }
  return {input.device().matrix_of(w, pairs, input.dims()), energy / static_cast<double>(outputs)};
}

/// l_k per class on at most `samples` rows of it: the mean eigenvalue of the head's empirical tangent kernel, per
/// output, trace / S, where a row has
///   |df/da|^2 + |df/dw|^2 = sum_pairs (<w, x>^2 + a^2 |x|^2) / (D H).
/// About |x|^2 / D, so 1 for standardised features.
std::vector<double> class_eigenvalues(const ModelInput& input, ConstView features) {
  constexpr std::uint64_t stream = philox::stream_id("lead samples");
  Device& device = input.device();
  const Head head = random_head(input, std::max<std::size_t>(input.count("width") / 2, 1));
  const std::size_t pairs = head.weights.rows();
  // The chosen rows, class by class.
  std::vector<std::int32_t> chosen;
  std::vector<std::int32_t> class_of;
  std::vector<double> sizes;
  for (std::vector<std::uint32_t>& rows : rows_of_classes(input.labels())) {
    shuffle_rows(rows, input.seed(), stream);
    rows.resize(std::min(rows.size(), input.count("samples")));
    chosen.insert(chosen.end(), rows.begin(), rows.end());
    class_of.resize(chosen.size(), static_cast<std::int32_t>(sizes.size()));
    sizes.push_back(static_cast<double>(rows.size()));
  }
  const Index rows = device.index(chosen);
  const Classes classes = device.classes(device.index(class_of), sizes.size());
  const Matrix squares = device.matrix(sizes.size(), 2);  // sums of |W x|^2 and of |x|^2
  const std::size_t step = device.block_rows(features.cols());
  for (std::size_t first = 0; first < chosen.size(); first += step) {
    const std::size_t count = std::min(step, chosen.size() - first);
    const Matrix x = device.scratch(count, features.cols());
    device.gather_rows(features, rows.columns(first, count), x);
    const Matrix hidden = device.scratch(count, pairs);
    device.multiply(1, x, Op::none, head.weights, Op::transpose, 0, hidden);
    const Matrix lengths = device.scratch(2, count);
    device.row_squares(hidden, lengths.row(0));
    device.row_squares(x, lengths.row(1));
    const Matrix both = device.scratch(count, 2);
    device.transpose(lengths, both);
    device.add_class_sums(both, classes.rows(first, count), squares);
  }
  const std::vector<double> sums = device.read(squares);
  std::vector<double> eigenvalues(sizes.size());
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    const double first_layer = static_cast<double>(pairs) * head.output * sums[2 * k + 1];
    const double terms = static_cast<double>(2 * pairs * features.cols()) * sizes[k];
    eigenvalues[k] = sizes[k] > 0 ? (first_layer + sums[2 * k]) / terms : 0;
  }
  return eigenvalues;
}

Scored score_lead(const ModelInput& input) {
  Device& device = input.device();
  const std::size_t classes = input.classes();
  const Matrix x = classifier_rows(input, {});
  const Classes& labels = input.class_rows();
  const RowRange all{0, input.rows()};
  const LinearClassifier classifier =
      fit_linear_classifier(device, x, labels, std::span(&all, 1), input.number("l2"),
                            {.iterations = input.count("iterations")}, [&] { input.check_cancelled(); });
  const std::vector<double> eigenvalues = class_eigenvalues(input, x.columns(0, input.dims()));

  // What is left of the first logits at t = 1, and what the label has got.
  std::vector<double> left(classes);
  std::vector<double> gained(classes * classes);
  for (std::size_t k = 0; k < classes; ++k) {
    left[k] = std::exp(-input.number("eta") * eigenvalues[k]);
    gained[k * classes + k] = 1 - left[k];
  }
  const Matrix label_logits = device.matrix_of(gained, classes, classes);
  const Matrix left_of_class = device.matrix_of(left, classes, 1);
  const Matrix entropies = device.matrix(1, 2);  // of the first logits, of the evolved ones
  for_each_logits(device, x, all, classifier.weights, [&](View z, std::size_t first) {
    const ConstIndexView mine = labels.labels(first, z.rows());
    device.add_cross_entropy(z, mine, entropies.columns(0, 1));
    const Matrix shares = device.scratch(z.rows(), 1);
    device.gather_rows(left_of_class, mine, shares);
    device.scale_rows(shares, z);
    device.add_indexed_rows(1, label_logits, mine, z);
    device.add_cross_entropy(z, mine, entropies.columns(1, 1));
  });
  const std::vector<double> entropy = device.read(entropies);

  const auto n = static_cast<double>(input.rows());
  Scored scored;
  scored.score = -entropy[1] / n;
  scored.details["lead_eigenvalues"] = eigenvalues;
  scored.details["lead_initial_cross_entropy"] = entropy[0] / n;
  scored.details["lead_classifier_iterations"] = classifier.fit.iterations;
  scored.details["lead_classifier_converged"] = classifier.fit.converged;
  return scored;
}

/// About a hundred products of the rows with the weights of a linear classifier.
Cost cost_of_lead(const Workload& work, const RankOptions&) {
  return {2e-9 * descent_work(work), work.bytes + 24 * work.rows * work.classes};
}

}  // namespace

Estimator lead_estimator() {
  return model_estimator(
      {.name = "lead",
       .description = "cross-entropy of logits evolved towards the labels by a tangent kernel's rates",
       .citation = "Hu et al., LEAD: Exploring Logit Space Evolution for Model Selection, CVPR 2024",
       .seeded = true,
       .settings =
           {{.name = "eta", .standard = 1.0, .help = "Learning rate of the evolution"},
            {.name = "samples", .standard = 64.0, .help = "Rows per class in the kernel", .low = 1, .whole = true},
            {.name = "width",
             .standard = 256.0,
             .help = "Hidden units of the head",
             .low = 2,
             .high = 65536,
             .whole = true},
            {.name = "l2", .standard = 1.0, .help = "Penalty on the weights of the linear classifier"},
            {.name = "iterations", .standard = 100.0, .help = "L-BFGS steps at most", .low = 1, .whole = true}},
       .cost = cost_of_lead},
      score_lead);
}

}  // namespace itm
