// Rank correlations between scores and fine-tuned accuracies. All of them compare every pair of models: with the
// handful to thousands of models of a zoo that is instant, and the definition stays visible in the code.

#include "itm/agreement.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <stdexcept>

namespace itm {
namespace {

double sign_of_difference(double a, double b) { return static_cast<double>((a > b) - (a < b)); }

bool is_constant(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [&](double v) { return v == values[0]; });
}

void require_pairs(std::span<const double> score, std::span<const double> truth) {
  if (score.size() != truth.size()) {
    throw std::invalid_argument("scores and truths differ in length");
  }
}

/// Both vectors vary over at least two models.
bool can_correlate(std::span<const double> score, std::span<const double> truth) {
  require_pairs(score, truth);
  return score.size() >= 2 && !is_constant(score) && !is_constant(truth);
}

std::vector<std::size_t> indices(std::size_t count) {
  std::vector<std::size_t> index(count);
  std::iota(index.begin(), index.end(), std::size_t{0});
  return index;
}

/// scipy's weigher 1/(1 + r), r = position from 0 in decreasing order of `first`, its ties ordered by `second`.
std::vector<double> hyperbolic_weights(std::span<const double> first, std::span<const double> second) {
  std::vector<std::size_t> index = indices(first.size());
  std::stable_sort(index.begin(), index.end(), [&](std::size_t a, std::size_t b) {
    return first[a] != first[b] ? first[a] > first[b] : second[a] > second[b];
  });
  std::vector<double> weight(first.size());
  for (std::size_t r = 0; r < index.size(); ++r) {
    weight[index[r]] = 1.0 / (1.0 + static_cast<double>(r));
  }
  return weight;
}

/// Kendall's tau-b with pair weights weight[i] + weight[j] (Vigna 2015); the caller made sure that it is defined.
double additive_tau(std::span<const double> x, std::span<const double> y, std::span<const double> weight) {
  double agreeing = 0;
  double untied_x = 0;
  double untied_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      const double pair = weight[i] + weight[j];
      const double sx = sign_of_difference(x[i], x[j]);
      const double sy = sign_of_difference(y[i], y[j]);
      agreeing += pair * sx * sy;
      untied_x += pair * sx * sx;
      untied_y += pair * sy * sy;
    }
  }
  return std::clamp(agreeing / std::sqrt(untied_x) / std::sqrt(untied_y), -1.0, 1.0);
}

/// Eq. 1 from ranks (1 = best), model i counting copies[i] times. Two copies of one model say nothing about agreement:
/// their pair is left out. Undefined when fewer than two models are present.
std::optional<double> eq_1(std::span<const double> truth_rank, std::span<const double> score_rank,
                           std::span<const double> copies) {
  double agreeing = 0;
  double total = 0;
  for (std::size_t i = 0; i < copies.size(); ++i) {
    for (std::size_t j = i + 1; j < copies.size(); ++j) {
      const double weight = copies[i] * copies[j] / (truth_rank[i] + truth_rank[j]);
      agreeing +=
          weight * sign_of_difference(truth_rank[i], truth_rank[j]) * sign_of_difference(score_rank[i], score_rank[j]);
      total += weight;
    }
  }
  return total > 0 ? std::optional(agreeing / total) : std::nullopt;
}

void scale_to_unit_maximum(std::vector<double>& values) {
  double largest = 0;
  for (const double v : values) {
    largest = std::max(largest, std::abs(v));
  }
  if (largest > 0) {
    std::for_each(values.begin(), values.end(), [largest](double& v) { v /= largest; });
  }
}

/// Values minus their mean, scaled so that neither sums nor squares overflow or vanish: Pearson's r does not see the
/// scale.
std::vector<double> centred(std::span<const double> values) {
  std::vector<double> out(values.begin(), values.end());
  scale_to_unit_maximum(out);
  const double mean = std::accumulate(out.begin(), out.end(), 0.0) / static_cast<double>(out.size());
  std::for_each(out.begin(), out.end(), [mean](double& v) { v -= mean; });
  scale_to_unit_maximum(out);
  return out;
}

/// A uniform draw from [0, count): rejection instead of std::uniform_int_distribution, whose draws differ between
/// standard libraries.
std::size_t draw_below(std::mt19937_64& random, std::uint64_t count) {
  const std::uint64_t accepted = std::mt19937_64::max() / count * count;
  std::uint64_t value = random();
  while (value >= accepted) {
    value = random();
  }
  return static_cast<std::size_t>(value % count);
}

/// Ranks of a resample without sorting it: the values are grouped once, a resample only counts copies per group.
class ResampledRanks {
 public:
  explicit ResampledRanks(std::span<const double> values) : group_(values.size()) {
    std::vector<std::size_t> index = indices(values.size());
    std::sort(index.begin(), index.end(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
    std::size_t groups = 0;
    for (std::size_t k = 0; k < index.size(); ++k) {
      groups += k == 0 || values[index[k]] != values[index[k - 1]] ? 1 : 0;
      group_[index[k]] = groups - 1;
    }
    rank_.resize(groups);
  }

  /// `copies[i]`: how often model i was drawn.
  void count(std::span<const double> copies) {
    std::fill(rank_.begin(), rank_.end(), 0.0);
    for (std::size_t i = 0; i < copies.size(); ++i) {
      rank_[group_[i]] += copies[i];
    }
    double before = 0;
    for (double& rank : rank_) {
      const double members = rank;
      rank = before + (members + 1) / 2;
      before += members;
    }
  }
  [[nodiscard]] double rank(std::size_t model) const { return rank_[group_[model]]; }

 private:
  std::vector<std::size_t> group_;
  std::vector<double> rank_;
};

/// Linear interpolation between order statistics of sorted values.
double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

/// Percentile bootstrap of eq. 1 over models. Leaving out pairs of copies (see eq_1) matters here: counted as ties they
/// would pull every resample toward zero.
std::optional<Interval> bootstrap_tau_w(std::span<const double> order, std::span<const double> truth,
                                        const BootstrapOptions& options) {
  const std::size_t models = truth.size();
  if (models < 2 || options.samples == 0) {
    return std::nullopt;
  }
  ResampledRanks score_rank(order);
  ResampledRanks truth_rank(truth);
  std::mt19937_64 random(options.seed);
  std::vector<double> copies(models);
  std::vector<double> g;
  std::vector<double> p;
  std::vector<double> c;
  std::vector<double> taus;
  taus.reserve(options.samples);
  for (std::size_t sample = 0; sample < options.samples; ++sample) {
    std::fill(copies.begin(), copies.end(), 0.0);
    for (std::size_t k = 0; k < models; ++k) {
      copies[draw_below(random, models)] += 1;
    }
    score_rank.count(copies);
    truth_rank.count(copies);
    g.clear();
    p.clear();
    c.clear();
    for (std::size_t i = 0; i < models; ++i) {
      if (copies[i] > 0) {
        g.push_back(truth_rank.rank(i));
        p.push_back(score_rank.rank(i));
        c.push_back(copies[i]);
      }
    }
    if (const auto tau = eq_1(g, p, c)) {
      taus.push_back(*tau);
    }
  }
  if (taus.empty()) {
    return std::nullopt;
  }
  std::sort(taus.begin(), taus.end());
  const double tail = (1 - options.confidence) / 2;
  return Interval{quantile(taus, tail), quantile(taus, 1 - tail)};
}

}  // namespace

std::vector<double> average_ranks_descending(std::span<const double> values) {
  std::vector<std::size_t> index = indices(values.size());
  std::sort(index.begin(), index.end(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  std::vector<double> rank(values.size());
  for (std::size_t first = 0; first < index.size();) {
    std::size_t last = first;
    while (last + 1 < index.size() && values[index[last + 1]] == values[index[first]]) {
      ++last;
    }
    for (std::size_t k = first; k <= last; ++k) {
      rank[index[k]] = static_cast<double>(first + last) / 2 + 1;
    }
    first = last + 1;
  }
  return rank;
}

std::optional<double> weighted_tau(std::span<const double> score, std::span<const double> truth) {
  require_pairs(score, truth);
  return eq_1(average_ranks_descending(truth), average_ranks_descending(score), std::vector<double>(truth.size(), 1.0));
}

std::optional<double> weighted_tau_scipy(std::span<const double> score, std::span<const double> truth) {
  if (!can_correlate(score, truth)) {
    return std::nullopt;
  }
  return (additive_tau(score, truth, hyperbolic_weights(score, truth)) +
          additive_tau(score, truth, hyperbolic_weights(truth, score))) /
         2;
}

std::optional<double> kendall_tau_b(std::span<const double> score, std::span<const double> truth) {
  if (!can_correlate(score, truth)) {
    return std::nullopt;
  }
  // Weights of 1/2 make every pair count once.
  return additive_tau(score, truth, std::vector<double>(score.size(), 0.5));
}

std::optional<double> spearman_rho(std::span<const double> score, std::span<const double> truth) {
  return pearson_r(average_ranks_descending(score), average_ranks_descending(truth));
}

std::optional<double> pearson_r(std::span<const double> score, std::span<const double> truth) {
  if (!can_correlate(score, truth)) {
    return std::nullopt;
  }
  const std::vector<double> x = centred(score);
  const std::vector<double> y = centred(truth);
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  const double norm = std::sqrt(dot(x, x)) * std::sqrt(dot(y, y));
  return norm > 0 ? std::optional(std::clamp(dot(x, y) / norm, -1.0, 1.0)) : std::nullopt;
}

std::optional<double> rel_at_k(std::span<const double> score, std::span<const double> truth, std::size_t k) {
  require_pairs(score, truth);
  if (k == 0 || truth.empty()) {
    return std::nullopt;
  }
  const double best = *std::max_element(truth.begin(), truth.end());
  if (best <= 0) {
    return std::nullopt;
  }
  std::vector<std::size_t> index = indices(score.size());
  std::sort(index.begin(), index.end(), [&](std::size_t a, std::size_t b) {
    return score[a] != score[b] ? score[a] > score[b] : truth[a] < truth[b];  // the worst of a tie is taken first
  });
  index.resize(std::min(k, index.size()));
  double found = truth[index[0]];
  for (const std::size_t i : index) {
    found = std::max(found, truth[i]);
  }
  return found / best;
}

Agreement measure_agreement(std::span<const double> score, std::span<const double> order, std::span<const double> truth,
                            const BootstrapOptions& bootstrap) {
  Agreement agreement;
  agreement.models = truth.size();
  agreement.tau_w = weighted_tau(order, truth);
  agreement.tau_w_scipy = weighted_tau_scipy(order, truth);
  agreement.kendall = kendall_tau_b(order, truth);
  agreement.spearman = spearman_rho(order, truth);
  agreement.pearson = pearson_r(score, truth);
  agreement.rel_at_1 = rel_at_k(order, truth, 1);
  agreement.rel_at_3 = rel_at_k(order, truth, 3);
  agreement.tau_w_interval = bootstrap_tau_w(order, truth, bootstrap);
  return agreement;
}

}  // namespace itm
