// Each data set in turn is chosen for as if its truth were unknown.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "choose/memory.hpp"
#include "choose/predict.hpp"
#include "choose/shortlist.hpp"
#include "choose/tables.hpp"
#include "core/philox.hpp"
#include "core/statistics.hpp"
#include "itm/choose.hpp"
#include "itm/error.hpp"

namespace itm {
namespace choose {
namespace {

/// Running means of figures that not every case has.
class Mean {
 public:
  void add(std::optional<double> value) {
    if (value) {
      sum_ += *value;
      count_ += 1;
    }
  }
  [[nodiscard]] std::optional<double> value() const {
    return count_ > 0 ? std::optional(sum_ / static_cast<double>(count_)) : std::nullopt;
  }

 private:
  double sum_ = 0;
  std::size_t count_ = 0;
};

/// The true value of the best of the k that come first; of equal ones the worst come first.
double best_of_first(const std::vector<double>& score, const std::vector<double>& truth, std::size_t k) {
  std::vector<std::size_t> order(score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return score[a] != score[b] ? score[a] > score[b] : truth[a] < truth[b];
  });
  double best = truth[order[0]];
  for (std::size_t i = 1; i < std::min(k, order.size()); ++i) {
    best = std::max(best, truth[order[i]]);
  }
  return best;
}

/// Share of the pairs of models of one kind with different truths that are in order; equal scores count half.
std::optional<double> pairs_in_order(const std::vector<double>& score, const std::vector<double>& truth,
                                     const std::vector<std::string>& kind) {
  double right = 0;
  double pairs = 0;
  for (std::size_t i = 0; i < score.size(); ++i) {
    for (std::size_t j = i + 1; j < score.size(); ++j) {
      if (kind[i].empty() || kind[i] != kind[j] || truth[i] == truth[j]) {
        continue;
      }
      pairs += 1;
      right += score[i] == score[j] ? 0.5 : (score[i] > score[j]) == (truth[i] > truth[j]) ? 1 : 0;
    }
  }
  return pairs > 0 ? std::optional(right / pairs) : std::nullopt;
}

struct OrderMeans {
  Mean tau_w, kind_pairs, regret, regret_of_k;

  [[nodiscard]] EvaluatedOrder value() const {
    return {tau_w.value(), kind_pairs.value(), regret.value(), regret_of_k.value()};
  }
};

struct Means {
  std::size_t cases = 0;
  OrderMeans choose, score, order;
  Mean coverage, length, share, interval, width;
};

class Evaluator {
 public:
  Evaluator(const Tables& index, const EvaluateOptions& options)
      : index_(index),
        options_(options),
        draws_(options.draws, index.models.size(), DrawTable::width(index.methods.size() + 2), options.seed) {
    for (const Dataset& dataset : index.datasets) {
      if (dataset.known > 0) {
        with_truth_.push_back(&dataset);
      }
    }
  }

  Evaluation evaluate() {
    Evaluation out;
    out.methods = index_.methods;
    out.best_of = options_.best_of;
    out.sure = options_.sure;
    for (const Dataset* dataset : with_truth_) {
      if (dataset->known > 1) {
        out.datasets.push_back(dataset->name);
      }
    }
    const std::size_t most = with_truth_.empty() ? 0 : with_truth_.size() - 1;
    for (const std::size_t known : counts(most)) {
      Means means;
      for (const Dataset* target : with_truth_) {
        if (target->known < 2) {
          continue;
        }
        const std::size_t choices = known == 0 || known == most ? 1 : options_.choices;
        for (std::size_t choice = 0; choice < choices; ++choice) {
          run(*target, past_of(*target, known, choice), means);
        }
      }
      EvaluatedKnown row;
      row.known = known;
      row.cases = means.cases;
      row.choose = means.choose.value();
      row.score = means.score.value();
      row.order = means.order.value();
      row.coverage = means.coverage.value();
      row.length = means.length.value();
      row.share = means.share.value();
      row.interval_coverage = means.interval.value();
      row.interval_width = means.width.value();
      out.rows.push_back(row);
    }
    add_kinds(out);
    return out;
  }

 private:
  [[nodiscard]] std::vector<std::size_t> counts(std::size_t most) const {
    std::vector<std::size_t> all;
    for (const std::size_t k :
         options_.known.empty() ? std::vector<std::size_t>{0, 1, 2, 3, 5, 9, most} : options_.known) {
      if (k <= most && std::find(all.begin(), all.end(), k) == all.end()) {
        all.push_back(k);
      }
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  /// `known` of the other data sets with truth, drawn for this target and choice.
  [[nodiscard]] std::vector<const Dataset*> past_of(const Dataset& target, std::size_t known,
                                                    std::size_t choice) const {
    std::vector<std::pair<std::uint64_t, const Dataset*>> others;
    const std::uint64_t stream = philox::stream_id(target.name, philox::stream_id("evaluate"));
    for (const Dataset* dataset : with_truth_) {
      if (dataset != &target) {
        others.emplace_back(philox::draw64(options_.seed, philox::stream_id(dataset->name, stream), choice), dataset);
      }
    }
    std::sort(others.begin(), others.end(), [](const auto& a, const auto& b) {
      return std::tie(a.first, a.second->name) < std::tie(b.first, b.second->name);
    });
    std::vector<const Dataset*> past;
    for (std::size_t i = 0; i < known; ++i) {
      past.push_back(others[i].second);
    }
    std::sort(past.begin(), past.end(), [](auto* a, auto* b) { return a->name < b->name; });
    return past;
  }

  void measure(const std::vector<double>& score, const std::vector<double>& truth, const std::vector<std::string>& kind,
               bool percent, OrderMeans& means) const {
    means.tau_w.add(weighted_tau(score, truth));
    means.kind_pairs.add(pairs_in_order(score, truth, kind));
    if (percent) {
      const double best = *std::max_element(truth.begin(), truth.end());
      means.regret.add(best - best_of_first(score, truth, 1));
      means.regret_of_k.add(best - best_of_first(score, truth, options_.best_of));
    }
  }

  /// Mean rank errors of one method's scores, a data set at a time.
  void add_kind_errors(const std::string& method, const std::function<const std::vector<double>&(const Dataset&)>& row,
                       Evaluation& out) const {
    std::map<std::string, std::vector<double>> errors;
    for (const Dataset* dataset : with_truth_) {
      std::vector<double> scores;
      std::vector<double> truth;
      std::vector<std::string> kind;
      for (std::size_t m = 0; m < index_.kinds.size(); ++m) {
        if (dataset->knows(m) && !std::isnan(row(*dataset)[m])) {
          scores.push_back(row(*dataset)[m]);
          truth.push_back(dataset->truth[m]);
          kind.push_back(index_.kinds[m]);
        }
      }
      const std::vector<double> given = average_ranks_descending(scores);
      const std::vector<double> right = average_ranks_descending(truth);
      std::map<std::string, std::vector<double>> here;
      for (std::size_t i = 0; i < kind.size(); ++i) {
        if (!kind[i].empty()) {
          here[kind[i]].push_back(given[i] - right[i]);
        }
      }
      for (const auto& [name, values] : here) {
        errors[name].push_back(*mean_of(values));
      }
    }
    for (const auto& [name, values] : errors) {
      out.kinds.push_back({method, name, *mean_of(values), values.size()});
    }
  }

  void add_kinds(Evaluation& out) const {
    for (std::size_t k = 0; k < index_.methods.size(); ++k) {
      add_kind_errors(
          index_.methods[k], [k](const Dataset& d) -> const std::vector<double>& { return d.scores[k]; }, out);
    }
    if (index_.methods.size() > 1) {
      add_kind_errors(
          "vote", [](const Dataset& d) -> const std::vector<double>& { return d.vote; }, out);
    }
  }

  void run(const Dataset& target, std::vector<const Dataset*> past, Means& means) {
    std::vector<std::size_t> candidates;
    std::vector<double> truth;
    std::vector<double> vote;
    std::vector<double> order;
    std::vector<std::string> kind;
    bool scored = false;
    for (std::size_t m = 0; m < index_.models.size(); ++m) {
      if (!target.knows(m)) {
        continue;
      }
      candidates.push_back(m);
      truth.push_back(target.truth[m]);
      kind.push_back(index_.kinds[m]);
      vote.push_back(target.scored(m) ? target.vote[m] : 0);
      scored = scored || target.scored(m);
      std::vector<double> ys;
      for (const Dataset* dataset : past) {
        if (dataset->knows(m)) {
          ys.push_back(dataset->y[m]);
        }
      }
      order.push_back(mean_of(ys).value_or(0));
    }
    if (past.empty() && !scored) {
      return;  // nothing to choose by
    }
    const bool ordered = !past.empty();
    const Problem problem =
        make_problem(index_, std::move(past), target, candidates, std::vector<bool>(index_.models.size(), false));
    const Outcomes outcomes = predict(problem, learn(problem), draws_);
    means.cases += 1;
    measure(outcomes.mean, truth, kind, target.scale.link.percent, means.choose);
    if (scored) {
      measure(vote, truth, kind, target.scale.link.percent, means.score);
    }
    if (ordered) {
      measure(order, truth, kind, target.scale.link.percent, means.order);
    }
    const Shortlist list =
        shortlist(outcomes, std::vector<bool>(candidates.size(), false), options_.sure, std::nullopt);
    const double best = *std::max_element(truth.begin(), truth.end());
    const bool holds =
        std::any_of(list.models.begin(), list.models.end(), [&](std::size_t i) { return truth[i] == best; });
    means.coverage.add(holds ? 1 : 0);
    means.length.add(static_cast<double>(list.models.size()));
    means.share.add(static_cast<double>(list.models.size()) / static_cast<double>(truth.size()));
    if (outcomes.scaled && outcomes.link.percent == target.scale.link.percent) {
      for (std::size_t i = 0; i < truth.size(); ++i) {
        const Interval interval = interval_of(outcomes, i, options_.sure);
        means.interval.add(interval.low <= truth[i] && truth[i] <= interval.high ? 1 : 0);
        if (target.scale.link.percent) {
          means.width.add(interval.high - interval.low);
        }
      }
    }
  }

  const Tables& index_;
  EvaluateOptions options_;
  DrawTable draws_;
  std::vector<const Dataset*> with_truth_;
};

}  // namespace
}  // namespace choose

Evaluation evaluate_choices(const ChoiceTables& tables, const EvaluateOptions& options) {
  const choose::Tables index = choose::index_tables(tables, options.methods);
  if (std::none_of(index.datasets.begin(), index.datasets.end(), [](const auto& d) { return d.known > 1; })) {
    throw InputError("no data set has the truth of two models or more; there is nothing to evaluate on");
  }
  return choose::Evaluator(index, options).evaluate();
}

}  // namespace itm
