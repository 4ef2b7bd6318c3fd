#include "choose/memory.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "choose/gaussian_block.hpp"
#include "choose/priors.hpp"

namespace itm::choose {
namespace {

/// One past data set as the fit sees it.
struct View {
  const Dataset* dataset = nullptr;
  std::vector<std::size_t> models;  ///< with a truth
  std::vector<double> y;            ///< of them, bounded()
  std::vector<double> x;            ///< [models, F]
  std::vector<double> gram;         ///< [F, F] sum of x x^T
  std::vector<double> share;        ///< of each state
  double offset = 0;                ///< what y is above zero because only some models are known
  bool whole = true;                ///< all models are known: no offset
  double a = 0;                     ///< E[rho^2 / sigma^2]
  double b = 0;                     ///< E[rho / sigma^2]
  double c = 0;                     ///< E[1 / sigma^2]
};

double bounded(double y) {
  const double beyond = std::abs(y) - prior::largest_y;
  return beyond > 0 ? std::copysign(prior::largest_y + prior::beyond_slope * beyond, y) : y;
}

std::vector<View> views_of(const Problem& problem) {
  const std::size_t F = problem.features;
  std::vector<View> views;
  for (const Dataset* dataset : problem.past) {
    View view;
    view.dataset = dataset;
    std::vector<double> x(F);
    view.gram.assign(F * F, 0);
    for (std::size_t m = 0; m < dataset->y.size(); ++m) {
      if (!dataset->knows(m)) {
        continue;
      }
      problem.write_features(*dataset, m, x.data());
      view.models.push_back(m);
      view.y.push_back(bounded(dataset->y[m]));
      view.x.insert(view.x.end(), x.begin(), x.end());
      add_outer(F, 1, x.data(), view.gram.data());
    }
    view.whole = view.models.size() == dataset->y.size();
    views.push_back(std::move(view));
  }
  return views;
}

class Learner {
 public:
  Learner(const Problem& problem, std::vector<View> views, double rho)
      : problem_(problem), views_(std::move(views)), F_(problem.features), M_(problem.tables->models.size()) {
    memory_.rho = rho;
    for (const prior::Kind& kind : prior::kinds) {
      for (const prior::Noise& noise : prior::noises) {
        const double r = rho * kind.follows;
        memory_.states.push_back({r, std::sqrt((1 - r * r) * noise.part), kind.share * noise.share});
      }
    }
    base_ = memory_.states;
    for (View& view : views_) {
      for (const State& state : base_) {
        view.share.push_back(state.share);
      }
    }
  }

  Memory learn() {
    solve();
    for (int round = 0; round < prior::rounds && !views_.empty(); ++round) {
      for (View& view : views_) {
        judge(view);
      }
      update_shares();
      solve();
    }
    return std::move(memory_);
  }

 private:
  void take_moments(View& view) const {
    view.a = view.b = view.c = 0;
    for (std::size_t j = 0; j < view.share.size(); ++j) {
      const State& state = memory_.states[j];
      const double precision = view.share[j] / (state.sigma * state.sigma);
      view.a += precision * state.rho * state.rho;
      view.b += precision * state.rho;
      view.c += precision;
    }
  }

  /// The Gaussian over weights and general qualities, given each data set's shares.
  void solve() {
    memory_.precision.assign(M_, 1);
    memory_.level.assign(M_, 0);
    memory_.pull.assign(M_ * F_, 0);
    std::vector<double> s(F_ * F_, 0);
    std::vector<double> t(F_, 0);
    double constant = 0;
    for (View& view : views_) {
      take_moments(view);
      for (std::size_t f = 0; f < F_ * F_; ++f) {
        s[f] += view.c * view.gram[f];
      }
      double log_sigma = 0;
      double divergence = 0;
      for (std::size_t j = 0; j < view.share.size(); ++j) {
        log_sigma += view.share[j] * std::log(memory_.states[j].sigma);
        if (view.share[j] > 0) {
          divergence += view.share[j] * std::log(view.share[j] / base_[j].share);
        }
      }
      constant -= static_cast<double>(view.models.size()) * (log_sigma + 0.5 * std::log(2 * std::numbers::pi));
      constant -= divergence;
      for (std::size_t i = 0; i < view.models.size(); ++i) {
        const std::size_t m = view.models[i];
        const double y = view.y[i] - view.offset;
        const double* x = view.x.data() + i * F_;
        constant -= 0.5 * view.c * y * y;
        memory_.precision[m] += view.a;
        memory_.level[m] += view.b * y;
        for (std::size_t f = 0; f < F_; ++f) {
          t[f] += view.c * y * x[f];
          memory_.pull[m * F_ + f] += view.b * x[f];
        }
      }
    }
    for (std::size_t m = 0; m < M_; ++m) {
      const double p = memory_.precision[m];
      if (p == 1) {
        continue;
      }
      const double level = memory_.level[m];
      double* pull = memory_.pull.data() + m * F_;
      constant += 0.5 * level * level / p - 0.5 * std::log(p);
      for (std::size_t f = 0; f < F_; ++f) {
        t[f] -= pull[f] * level / p;
      }
      add_outer(F_, -1 / p, pull, s.data());
      memory_.level[m] /= p;
      for (std::size_t f = 0; f < F_; ++f) {
        pull[f] /= p;
      }
    }
    memory_.weights.clear();
    for (const prior::Omega& omega : prior::omegas) {
      memory_.weights.push_back(weights_given(omega, s, t, constant));
      if (F_ < 3) {
        break;  // no method has a weight of its own
      }
    }
    best_ = &*std::max_element(memory_.weights.begin(), memory_.weights.end(),
                               [](const auto& a, const auto& b) { return a.log_evidence < b.log_evidence; });
  }

  Weights weights_given(const prior::Omega& omega, const std::vector<double>& s, const std::vector<double>& t,
                        double constant) const {
    Weights w;
    w.mean.assign(F_, 0);
    GaussianBlock block(F_);
    std::vector<double> precision(F_, 1 / (omega.value * omega.value));
    std::vector<double> mean(F_, 0);
    if (F_ > 0) {
      precision[0] = 1 / (prior::vote_sd * prior::vote_sd);
      precision[1] = 1 / (prior::departure_sd * prior::departure_sd);
      mean[0] = prior::vote_mean;
      mean[1] = prior::departure_mean;
    }
    block.set_prior(mean, precision);
    block.add(s, t);
    block.solve();
    w.mean = block.mean();
    w.covariance = block.covariance();
    w.log_evidence = constant + block.log_evidence() + std::log(omega.share);
    return w;
  }

  /// How the data set relates to what all others say of its models.
  void judge(View& view) {
    const std::size_t n = view.models.size();
    std::vector<double> rest(n);
    std::vector<double> mean(n);
    std::vector<double> variance(n);
    double weight = 0;
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t m = view.models[i];
      const double* x = view.x.data() + i * F_;
      double score = 0;
      double pull = 0;
      for (std::size_t f = 0; f < F_; ++f) {
        score += x[f] * best_->mean[f];
        pull += memory_.pull[m * F_ + f] * best_->mean[f];
      }
      rest[i] = view.y[i] - score;
      const double p = memory_.precision[m];
      const double without = p - view.a;
      const double level = (memory_.level[m] - pull) * p - view.b * (rest[i] - view.offset);
      mean[i] = level / without;
      variance[i] = 1 / without;
      const double v = view.a / view.c * variance[i] + 1 / view.c;
      sum += (rest[i] - view.b / view.c * mean[i]) / v;
      weight += 1 / v;
    }
    view.offset = view.whole ? 0 : sum / (weight + 1 / (prior::offset_sd * prior::offset_sd));
    std::vector<double> logs(memory_.states.size());
    for (std::size_t j = 0; j < logs.size(); ++j) {
      const State& state = memory_.states[j];
      logs[j] = std::log(state.share);
      for (std::size_t i = 0; i < n; ++i) {
        const double v = state.sigma * state.sigma + state.rho * state.rho * variance[i];
        const double r = rest[i] - view.offset - state.rho * mean[i];
        logs[j] -= 0.5 * (std::log(v) + r * r / v);
      }
    }
    view.share = shares_of(logs);
  }

  /// The shares of states over data sets: those that past ones were in, with the prior worth a few data sets.
  void update_shares() {
    for (std::size_t j = 0; j < memory_.states.size(); ++j) {
      double sum = prior::worth * base_[j].share;
      for (const View& view : views_) {
        sum += view.share[j];
      }
      memory_.states[j].share = sum / (prior::worth + static_cast<double>(views_.size()));
    }
  }

  const Problem& problem_;
  std::vector<View> views_;
  std::size_t F_;
  std::size_t M_;
  std::vector<State> base_;
  const Weights* best_ = nullptr;
  Memory memory_;
};

}  // namespace

std::vector<Memory> learn(const Problem& problem) {
  const std::vector<View> views = views_of(problem);
  std::vector<Memory> memories;
  for (const prior::Rho& rho : prior::rhos) {
    memories.push_back(Learner(problem, views, rho.value).learn());
    for (Weights& w : memories.back().weights) {
      w.log_evidence += std::log(rho.share);
    }
  }
  return memories;
}

}  // namespace itm::choose
