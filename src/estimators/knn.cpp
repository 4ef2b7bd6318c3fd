// k nearest neighbours, each row against all others (Bolya et al., "Scalable Diverse Model Selection", NeurIPS 2021;
// dbolya/parc, methods.kNN): 100 x accuracy of the vote.

#include <algorithm>
#include <functional>
#include <iterator>
#include <span>

#include "estimators/registry.hpp"
#include "numerics/held_out.hpp"
#include "numerics/nearest_rows.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

/// 1 or 0 for whether the most frequent label among the votes, the smallest of several, is the true one. Votes that
/// are all different count one by one, as published: the share of them that is right.
double vote(std::vector<std::int32_t>& votes, std::int32_t truth) {
  std::sort(votes.begin(), votes.end());
  std::int32_t winner = votes.front();
  std::ptrdiff_t most = 0;
  for (auto run = votes.begin(); run != votes.end();) {
    const auto end = std::upper_bound(run, votes.end(), *run);
    if (end - run > most) {
      most = end - run;
      winner = *run;
    }
    run = end;
  }
  if (most == 1) {
    return std::binary_search(votes.begin(), votes.end(), truth) ? 1.0 / static_cast<double>(votes.size()) : 0.0;
  }
  return winner == truth ? 1 : 0;
}

/// Whom a row asks, of its neighbourhood of k + 1 or more: the nearest k without itself. Published is without the
/// first, which is the row itself unless an earlier row has the same features: such a row then votes for its own label.
std::vector<std::uint32_t> voters(std::uint32_t row, std::span<const Neighbour> nearest, bool published) {
  auto left_out = nearest.begin();
  if (!published) {
    left_out = std::find_if(nearest.begin(), nearest.end(), [row](const Neighbour& n) { return n.row == row; });
    left_out = left_out == nearest.end() ? nearest.end() - 1 : left_out;  // behind k equal rows: the last is too many
  }
  std::vector<std::uint32_t> rows;
  for (auto n = nearest.begin(); n != nearest.end(); ++n) {
    if (n != left_out) {
      rows.push_back(n->row);
    }
  }
  return rows;
}

using UseVoters = std::function<void(std::uint32_t row, const std::vector<std::uint32_t>& voters)>;

/// Every row that the split holds out asks its k nearest among the others. The search is among all rows: it goes deeper
/// until every row has met k that it may ask.
void ask_training_rows(const ModelInput& input, Metric metric, std::size_t k, const UseVoters& use) {
  std::vector<char> answered(input.rows());
  std::size_t open = input.validated_rows();
  const double share = 1 - static_cast<double>(open) / static_cast<double>(input.rows());
  auto depth = static_cast<std::size_t>(static_cast<double>(k) / share) + 16;
  while (open > 0) {
    depth = std::min(depth, input.rows());
    for_each_neighbourhood(input, metric, depth, [&](std::uint32_t row, std::span<const Neighbour> nearest) {
      if (answered[row] != 0 || !input.is_held_out(row)) {
        return;
      }
      std::vector<std::uint32_t> rows;
      for (auto n = nearest.begin(); n != nearest.end() && rows.size() < k; ++n) {
        if (!input.is_held_out(n->row)) {
          rows.push_back(n->row);
        }
      }
      if (rows.size() == k) {
        answered[row] = 1;
        --open;
        use(row, rows);
      }
    });
    depth *= 4;
  }
}

/// Calls use(row, voters) for every row that is predicted; returns how many voters each has.
std::size_t for_each_vote(const ModelInput& input, const UseVoters& use) {
  const Metric metric = input.word("metric") == "cosine" ? Metric::cosine : Metric::l2;
  if (input.has_split()) {
    const std::size_t k = std::min(input.count("k"), input.rows() - input.validated_rows());
    ask_training_rows(input, metric, k, use);
    return k;
  }
  const std::size_t k = std::min(input.count("k"), input.rows() - 1);
  for_each_neighbourhood(input, metric, k + 1, [&](std::uint32_t row, std::span<const Neighbour> nearest) {
    use(row, voters(row, nearest, !input.exact()));
  });
  return k;
}

Scored score_classes(const ModelInput& input) {
  const std::vector<std::int32_t>& labels = input.labels().values;
  double right = 0;
  std::vector<std::int32_t> votes;
  const std::size_t k = for_each_vote(input, [&](std::uint32_t row, const std::vector<std::uint32_t>& asked) {
    votes.clear();
    std::transform(asked.begin(), asked.end(), std::back_inserter(votes), [&](auto other) { return labels[other]; });
    right += vote(votes, labels[row]);
  });
  Scored scored;
  scored.score = 100 * right / static_cast<double>(input.validated_rows());
  scored.details["knn_k"] = k;
  return scored;
}

/// Every target is predicted by the mean of the neighbours' targets.
Scored score_targets(const ModelInput& input) {
  const std::size_t count = input.target_count();
  const std::vector<double> all = input.target_values();
  std::vector<double> found_means(all.size());
  const std::size_t k = for_each_vote(input, [&](std::uint32_t row, const std::vector<std::uint32_t>& asked) {
    for (std::size_t t = 0; t < count; ++t) {
      double sum = 0;
      for (const std::uint32_t other : asked) {
        sum += all[other * count + t];
      }
      found_means[row * count + t] = sum / static_cast<double>(asked.size());
    }
  });
  std::vector<double> targets;
  std::vector<double> means;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!input.has_split() || input.is_held_out(i / count)) {
      targets.push_back(all[i]);
      means.push_back(found_means[i]);
    }
  }
  const RowRange together{0, targets.size() / count};
  const bool labels = input.kind() == TargetKind::labels;
  const HeldOutScore found = labels ? area_under_curves(means, targets, count, std::span(&together, 1))
                                    : explained_variance(means, targets, count);
  Scored scored;
  scored.score = 100 * found.score;
  scored.error = 100 * found.error;
  scored.details["knn_k"] = k;
  scored.details[labels ? "knn_label_auc" : "knn_target_r2"] = found.each;
  return scored;
}

Scored score_knn(const ModelInput& input) {
  return input.kind() == TargetKind::classes ? score_classes(input) : score_targets(input);
}

/// Every pair of rows.
Cost cost_of_knn(const Workload& work, const RankOptions&) {
  return {2e-11 * work.rows * work.rows * work.dims + 1.2e-5 * work.rows, work.bytes + 8 * work.rows * work.dims};
}

}  // namespace

Estimator knn_estimator() {
  return model_estimator(
      {.name = "knn",
       .description = "accuracy of the nearest neighbours' vote, each row left out in turn",
       .citation = "Bolya et al., Scalable Diverse Model Selection for Accessible Transfer Learning, NeurIPS 2021",
       .inputs = {.regression = true, .multi_label = true},
       .validates = true,
       .settings =
           {{.name = "k", .standard = 1.0, .help = "Neighbours that vote", .low = 1, .high = 1000, .whole = true},
            {.name = "metric",
             .standard = std::string("l2"),
             .help = "Distance between rows",
             .words = {"l2", "cosine"}}},
       .unit = ScoreUnit::percent,
       .cost = cost_of_knn},
      score_knn);
}

}  // namespace itm
