#include "choose/predict.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numeric>
#include <tuple>
#include <utility>

#include "choose/best.hpp"
#include "choose/gaussian_block.hpp"
#include "choose/priors.hpp"
#include "core/gaussian.hpp"
#include "core/statistics.hpp"

namespace itm::choose {
namespace {

/// What the target's truths are like before any is known: linked truth = offset + scale * quality.
struct Level {
  bool known = false;  ///< there is anything to tell it by
  TruthLink link;
  double offset = 0;
  double offset_sd = 1;
  double log_scale = 0;
  double log_scale_sd = prior::lone_scale_sd;
};

/// Mean of a few numbers and what a further one differs from it by; `prior_sd` counts as prior::level_worth of them.
std::pair<double, double> next_of(const std::vector<double>& values, double prior_sd) {
  const double mean = *mean_of(values);
  const auto n = static_cast<double>(values.size());
  double squares = prior::level_worth * prior_sd * prior_sd;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return {mean, std::sqrt(squares / (prior::level_worth + n - 1) * (1 + 1 / n))};
}

/// How far means of data sets are apart before several are seen.
double lone_offset_sd(const Level& level) {
  return level.link.percent ? prior::lone_logit_sd : prior::lone_offset_sd * std::exp(level.log_scale);
}

Level level_of(const Problem& problem, const std::vector<std::size_t>& known) {
  Level level;
  level.link = problem.target->scale.link;
  if (known.empty() && !problem.past.empty()) {
    // What most past data sets hold; ties are percentages.
    const auto percent =
        std::count_if(problem.past.begin(), problem.past.end(), [](auto* d) { return d->scale.link.percent; });
    level.link.percent = 2 * static_cast<std::size_t>(percent) >= problem.past.size();
  }
  std::vector<double> offsets;
  std::vector<double> scales;
  for (const Dataset* dataset : problem.past) {
    if (dataset->scale.link.percent == level.link.percent && dataset->known > 1) {
      offsets.push_back(dataset->scale.centre);
      scales.push_back(std::log(dataset->scale.spread));
    }
  }
  if (!offsets.empty()) {
    std::tie(level.log_scale, level.log_scale_sd) = next_of(scales, prior::lone_scale_sd);
    std::tie(level.offset, level.offset_sd) = next_of(offsets, lone_offset_sd(level));
    level.known = true;
  } else if (!known.empty()) {
    std::vector<double> values;
    values.reserve(known.size());
    for (const std::size_t m : known) {
      values.push_back(problem.target->linked[m]);
    }
    level.offset = *mean_of(values);
    const double spread = standard_deviation_of(values).value_or(0);
    level.log_scale = std::log(spread > 0 ? spread : prior::lone_scale);
    level.offset_sd = lone_offset_sd(level);
    level.known = true;
  }
  return level;
}

/// One way that things may be: a correlation, weights of the features, a state and a scale of the target.
struct Part {
  const Memory* memory = nullptr;
  State state;
  double log_weight = 0;
  double weight = 0;
  double scale = 0;            ///< of linked truths; 0: not settled by known ones
  std::vector<double> mean;    ///< [T + 1]: weights, and offset / scale where it is settled
  std::vector<double> factor;  ///< Cholesky factor of their covariance
};

/// Weights that differ from data set to data set: of the mean vote and of its departure.
constexpr std::size_t drifting = 2;

constexpr std::array<double, 7> scale_nodes{-1.8, -1.2, -0.6, 0, 0.6, 1.2, 1.8};

class Predictor {
 public:
  Predictor(const Problem& problem, const DrawTable& table)
      : problem_(problem),
        table_(table),
        F_(problem.features),
        T_(F_ == 0 ? 0 : F_ + drifting),
        x_(problem.candidates.size() * problem.features) {
    for (std::size_t i = 0; i < problem.candidates.size(); ++i) {
      problem.write_features(*problem.target, problem.candidates[i], x_.data() + i * F_);
      known_.push_back(problem.known[problem.candidates[i]]);
      if (known_.back()) {
        known_models_.push_back(problem.candidates[i]);
      }
    }
    level_ = level_of(problem, known_models_);
  }

  Outcomes predict(const std::vector<Memory>& memories) {
    std::vector<Part> parts;
    for (const Memory& memory : memories) {
      for (const Weights& weights : memory.weights) {
        add_parts(memory, weights, parts);
      }
    }
    keep_likely(parts);
    return outcomes(parts);
  }

 private:
  /// Weights and drifts in a model's quality when its general quality is unknown but for its level.
  void effective(const Memory& memory, double rho, std::size_t candidate, double* e) const {
    const double* x = x_.data() + candidate * F_;
    const double* pull = memory.pull.data() + problem_.candidates[candidate] * F_;
    for (std::size_t f = 0; f < F_; ++f) {
      e[f] = x[f] - rho * pull[f];
    }
    for (std::size_t f = F_; f < T_; ++f) {
      e[f] = x[f - F_];
    }
  }
  double variance(const Memory& memory, const State& state, std::size_t candidate) const {
    return state.rho * state.rho / memory.precision[problem_.candidates[candidate]] + state.sigma * state.sigma;
  }

  void add_parts(const Memory& memory, const Weights& weights, std::vector<Part>& parts) const {
    // The target's own weights are those of the past and a drift.
    std::vector<double> mean = weights.mean;
    mean.resize(T_, 0);
    std::vector<double> covariance(T_ * T_, 0);
    for (std::size_t f = 0; f < F_; ++f) {
      std::copy_n(weights.covariance.begin() + static_cast<std::ptrdiff_t>(f * F_), F_,
                  covariance.begin() + static_cast<std::ptrdiff_t>(f * T_));
    }
    for (std::size_t f = F_; f < T_; ++f) {
      covariance[f * T_ + f] = prior::vote_drift * prior::vote_drift;
    }
    const std::vector<double> factor = cholesky(T_, covariance);
    if (known_models_.empty()) {
      for (const State& state : memory.states) {
        parts.push_back({&memory, state, weights.log_evidence + std::log(state.share), 0, 0, mean, factor});
      }
      return;
    }
    GaussianBlock inverse(T_);  // of the covariance
    inverse.set_prior(std::vector<double>(T_, 0), covariance, 0);
    inverse.solve();
    double log_determinant = 0;
    for (std::size_t f = 0; f < T_; ++f) {
      log_determinant -= 2 * std::log(factor[f * T_ + f]);
    }
    for (const State& state : memory.states) {
      for (const double node : scale_nodes) {
        parts.push_back(conditioned(memory, weights.log_evidence + std::log(state.share), mean, state, node,
                                    inverse.covariance(), log_determinant));
      }
    }
  }

  /// Given the truths that are known on the target.
  Part conditioned(const Memory& memory, double log_weight, std::vector<double> mean, const State& state, double node,
                   const std::vector<double>& precision, double log_determinant) const {
    const std::size_t n = T_ + 1;
    const double scale = std::exp(level_.log_scale + node * level_.log_scale_sd);
    mean.push_back(level_.offset / scale);
    std::vector<double> prior(n * n, 0);
    for (std::size_t f = 0; f < T_; ++f) {
      std::copy_n(precision.begin() + static_cast<std::ptrdiff_t>(f * T_), T_,
                  prior.begin() + static_cast<std::ptrdiff_t>(f * n));
    }
    const double offset_precision = scale * scale / (level_.offset_sd * level_.offset_sd);
    prior[n * n - 1] = offset_precision;
    GaussianBlock block(n);
    block.set_prior(mean, prior, log_determinant + std::log(offset_precision));
    std::vector<double> s(n * n, 0);
    std::vector<double> t(n, 0);
    std::vector<double> e(n, 1);
    log_weight -= 0.5 * node * node;
    for (std::size_t i = 0; i < known_.size(); ++i) {
      if (!known_[i]) {
        continue;
      }
      const std::size_t m = problem_.candidates[i];
      effective(memory, state.rho, i, e.data());
      const double v = variance(memory, state, i);
      const double r = problem_.target->linked[m] / scale - state.rho * memory.level[m];
      log_weight -= 0.5 * (std::log(v) + r * r / v) + std::log(scale);
      add_outer(n, 1 / v, e.data(), s.data());
      for (std::size_t f = 0; f < n; ++f) {
        t[f] += r / v * e[f];
      }
    }
    block.add(s, t);
    block.solve();
    return {&memory, state, log_weight + block.log_evidence(), 0, scale, block.mean(), cholesky(n, block.covariance())};
  }

  static void keep_likely(std::vector<Part>& parts) {
    std::vector<double> logs;
    std::transform(parts.begin(), parts.end(), std::back_inserter(logs), [](const Part& p) { return p.log_weight; });
    const std::vector<double> shares = shares_of(logs);
    double sum = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      parts[i].weight = shares[i] < prior::least_share ? 0 : shares[i];
      sum += parts[i].weight;
    }
    std::erase_if(parts, [](const Part& p) { return p.weight == 0; });
    std::for_each(parts.begin(), parts.end(), [sum](Part& p) { p.weight /= sum; });
  }

  Outcomes outcomes(const std::vector<Part>& parts) const {
    const std::size_t C = problem_.candidates.size();
    const std::size_t draws = table_.draws();
    Outcomes out;
    out.mean.assign(C, 0);
    out.sd.assign(C, 0);
    out.score.assign(C, 0);
    out.history.assign(C, 0);
    out.p_best.assign(C, 0);
    out.scaled = level_.known;
    out.link = level_.link;
    out.value.resize(draws * C);
    double cumulative = 0;
    std::size_t first = 0;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      cumulative += parts[p].weight;
      const auto last = p + 1 == parts.size()
                            ? draws
                            : static_cast<std::size_t>(std::lround(cumulative * static_cast<double>(draws)));
      add(parts[p], first, last, out);
      first = last;
    }
    const double sum = std::accumulate(out.p_best.begin(), out.p_best.end(), 0.0);
    for (std::size_t i = 0; i < C; ++i) {
      out.p_best[i] /= sum;
      out.sd[i] = std::sqrt(std::max(0.0, out.sd[i] - out.mean[i] * out.mean[i]));
    }
    return out;
  }

  /// One part's share of the moments, and its draws.
  void add(const Part& part, std::size_t first, std::size_t last, Outcomes& out) const {
    const std::size_t C = problem_.candidates.size();
    const std::size_t n = part.mean.size();
    const Memory& memory = *part.memory;
    std::vector<double> e(C * n, 1);
    std::vector<double> centre(C);
    std::vector<double> noise(C);
    out.order_share += part.weight * part.state.rho;
    for (std::size_t i = 0; i < C; ++i) {
      const std::size_t m = problem_.candidates[i];
      double* row = e.data() + i * n;
      double spread = 0;
      double score = 0;
      if (known_[i]) {  // quality = linked / scale - offset / scale
        std::fill(row, row + n, 0);
        row[n - 1] = -1;
        centre[i] = problem_.target->linked[m] / part.scale;
        noise[i] = 0;
      } else {
        effective(memory, part.state.rho, i, row);
        if (part.scale > 0) {
          row[n - 1] = 0;
        }
        centre[i] = part.state.rho * memory.level[m];
        noise[i] = std::sqrt(variance(memory, part.state, i));
      }
      double mean = centre[i];
      for (std::size_t f = 0; f < n; ++f) {
        mean += row[f] * part.mean[f];
        double along = 0;
        for (std::size_t g = f; g < n; ++g) {
          along += row[g] * part.factor[g * n + f];
        }
        spread += along * along;
      }
      for (std::size_t f = 0; f < F_ && !known_[i]; ++f) {
        score += x_[i * F_ + f] * part.mean[f];
      }
      out.mean[i] += part.weight * mean;
      out.score[i] += part.weight * score;
      out.history[i] += part.weight * (mean - score);
      out.sd[i] += part.weight * (mean * mean + spread + noise[i] * noise[i]);
    }
    draw(part, e, centre, noise, first, last, out);
  }

  /// Joint outcomes of one part. e: [C, n] weights in each quality.
  void draw(const Part& part, const std::vector<double>& e, const std::vector<double>& centre,
            const std::vector<double>& noise, std::size_t first, std::size_t last, Outcomes& out) const {
    const std::size_t C = centre.size();
    const std::size_t n = part.mean.size();
    std::vector<double> theta(n);
    std::vector<double> quality(C);
    for (std::size_t s = first; s < last; ++s) {
      const double* shared = table_.shared(s);
      for (std::size_t f = 0; f < n; ++f) {
        theta[f] = part.mean[f];
        for (std::size_t g = 0; g <= f; ++g) {
          theta[f] += part.factor[f * n + g] * shared[g];
        }
      }
      double scale = part.scale;
      double offset = 0;
      if (scale > 0) {
        offset = theta[n - 1] * scale;
      } else if (level_.known) {
        scale = std::exp(level_.log_scale + level_.log_scale_sd * shared[T_ + 1]);
        offset = level_.offset + level_.offset_sd * shared[T_ + 2];
      } else {
        scale = 1;
      }
      const double* own = table_.own(s);
      float* value = out.value.data() + s * C;
      for (std::size_t i = 0; i < C; ++i) {
        const double* row = e.data() + i * n;
        quality[i] = centre[i] + noise[i] * own[i];
        for (std::size_t f = 0; f < n; ++f) {
          quality[i] += row[f] * theta[f];
        }
        value[i] = static_cast<float>(offset + scale * quality[i]);
      }
      add_best(quality, noise, own, out.p_best);
    }
  }

  const Problem& problem_;
  const DrawTable& table_;
  std::size_t F_;
  std::size_t T_;          ///< weights and those of them that drift, once more
  std::vector<double> x_;  ///< [C, F]
  std::vector<bool> known_;
  std::vector<std::size_t> known_models_;
  Level level_;
};

}  // namespace

DrawTable::DrawTable(std::size_t draws, std::size_t models, std::size_t shared, std::uint64_t seed)
    : draws_(draws), models_(models), width_(shared), own_(draws * models), shared_(draws * shared) {
  constexpr std::uint64_t own_stream = philox::stream_id("choose/own");
  constexpr std::uint64_t chi_stream = philox::stream_id("choose/chi");
  constexpr std::uint64_t shared_stream = philox::stream_id("choose/shared");
  for (std::size_t s = 0; s < draws; ++s) {
    for (std::size_t m = 0; m < models; ++m) {
      const std::uint64_t at = philox::entry(static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(m));
      const philox::Block b = philox::block(seed, chi_stream, at);
      // Chi-squared with four degrees of freedom over its mean.
      const double u = (static_cast<double>(b.word[0]) + 1) / 4294967296.0;
      const double v = (static_cast<double>(b.word[1]) + 1) / 4294967296.0;
      const double chi = -0.5 * std::log(u * v);
      own_[s * models + m] = philox::normal(seed, own_stream, at) / std::sqrt(std::max(2 * chi, 1e-12));
    }
    for (std::size_t f = 0; f < shared; ++f) {
      shared_[s * shared + f] = philox::normal(
          seed, shared_stream, philox::entry(static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(f)));
    }
  }
}

Outcomes predict(const Problem& problem, const std::vector<Memory>& memories, const DrawTable& table) {
  return Predictor(problem, table).predict(memories);
}

}  // namespace itm::choose
