// k nearest neighbours, each row against all others (Bolya et al., "Scalable Diverse Model Selection", NeurIPS 2021;
// dbolya/parc, methods.kNN): 100 x accuracy of the vote.

#include <algorithm>
#include <span>

#include "estimators/registry.hpp"
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

/// Whom a row asks: its neighbourhood of k + 1 without itself. Published is without the first, which is the row
/// itself unless an earlier row has the same features: such a row then votes for its own label.
std::vector<std::int32_t> voters(std::uint32_t row, std::span<const Neighbour> nearest, bool published,
                                 const std::vector<std::int32_t>& labels) {
  auto left_out = nearest.begin();
  if (!published) {
    left_out = std::find_if(nearest.begin(), nearest.end(), [row](const Neighbour& n) { return n.row == row; });
    left_out = left_out == nearest.end() ? nearest.end() - 1 : left_out;  // behind k equal rows: the last is too many
  }
  std::vector<std::int32_t> votes;
  for (auto n = nearest.begin(); n != nearest.end(); ++n) {
    if (n != left_out) {
      votes.push_back(labels[n->row]);
    }
  }
  return votes;
}

Scored score_knn(const ModelInput& input) {
  const std::size_t k = std::min(input.count("k"), input.rows() - 1);
  const Metric metric = input.word("metric") == "cosine" ? Metric::cosine : Metric::l2;
  const std::vector<std::int32_t>& labels = input.labels().values;
  double right = 0;
  for_each_neighbourhood(input, metric, k + 1, [&](std::uint32_t row, std::span<const Neighbour> nearest) {
    std::vector<std::int32_t> votes = voters(row, nearest, !input.exact(), labels);
    right += vote(votes, labels[row]);
  });
  Scored scored;
  scored.score = 100 * right / static_cast<double>(input.rows());
  scored.details["knn_k"] = k;
  return scored;
}

/// Every pair of rows.
Cost cost(const Workload& work, const RankOptions&) {
  return {2e-11 * work.rows * work.rows * work.dims, work.bytes + 8 * work.rows * work.dims};
}

}  // namespace

Estimator knn_estimator() {
  return model_estimator(
      {.name = "knn",
       .description = "accuracy of the nearest neighbours' vote, each row left out in turn",
       .citation = "Bolya et al., Scalable Diverse Model Selection for Accessible Transfer Learning, NeurIPS 2021",
       .settings =
           {{.name = "k", .standard = 1.0, .help = "Neighbours that vote", .low = 1, .high = 1000, .whole = true},
            {.name = "metric",
             .standard = std::string("l2"),
             .help = "Distance between rows",
             .words = {"l2", "cosine"}}},
       .unit = ScoreUnit::percent,
       .cost = cost},
      score_knn);
}

}  // namespace itm
