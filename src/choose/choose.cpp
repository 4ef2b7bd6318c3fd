// The shortlist with its probabilities, from tables.

#include "itm/choose.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "choose/memory.hpp"
#include "choose/predict.hpp"
#include "choose/shortlist.hpp"
#include "choose/tables.hpp"
#include "core/text.hpp"
#include "itm/error.hpp"
#include "itm/estimator.hpp"

namespace itm {
namespace choose {
namespace {

/// Models to choose between: those that the data set has scores or truths for; where it has no scores, all.
std::vector<std::size_t> candidates_of(const Tables& tables, const Dataset& target) {
  const bool scored = std::any_of(target.vote.begin(), target.vote.end(), [](double v) { return !std::isnan(v); });
  std::vector<std::size_t> candidates;
  for (std::size_t m = 0; m < tables.models.size(); ++m) {
    if (!scored || target.scored(m) || target.knows(m)) {
      candidates.push_back(m);
    }
  }
  return candidates;
}

/// Joint outcomes as a person counts them: truths where there is a scale, else qualities.
class Counts {
 public:
  Counts(const Outcomes& outcomes, std::size_t candidates)
      : outcomes_(outcomes), candidates_(candidates), draws_(outcomes.value.size() / candidates) {
    best_.resize(draws_);
    for (std::size_t s = 0; s < draws_; ++s) {
      const float* value = row(s);
      best_[s] = truth(*std::max_element(value, value + candidates_));
    }
    found_.assign(draws_, -INFINITY);
  }
  [[nodiscard]] double truth(float value) const { return outcomes_.scaled ? outcomes_.link.back(value) : value; }
  [[nodiscard]] const float* row(std::size_t draw) const { return outcomes_.value.data() + draw * candidates_; }
  [[nodiscard]] std::size_t draws() const { return draws_; }

  /// One more is fine-tuned; what it is expected to add to the best found so far, nothing where none was.
  std::optional<double> find(std::size_t candidate) {
    const bool first = !any_;
    double gain = 0;
    for (std::size_t s = 0; s < draws_; ++s) {
      const double value = truth(row(s)[candidate]);
      gain += first ? 0 : std::max(0.0, value - found_[s]);
      found_[s] = std::max(found_[s], value);
    }
    any_ = true;
    return first ? std::nullopt : std::optional(gain / static_cast<double>(draws_));
  }
  [[nodiscard]] double gain_of(std::size_t candidate) const {
    double gain = 0;
    for (std::size_t s = 0; s < draws_; ++s) {
      gain += std::max(0.0, truth(row(s)[candidate]) - found_[s]);
    }
    return gain / static_cast<double>(draws_);
  }
  [[nodiscard]] bool any() const { return any_; }
  /// From the best found to the best of all.
  [[nodiscard]] double loss() const {
    double loss = 0;
    for (std::size_t s = 0; s < draws_ && any_; ++s) {
      loss += best_[s] - found_[s];
    }
    return loss / static_cast<double>(draws_);
  }
  [[nodiscard]] std::vector<double> expected_ranks() const {
    std::vector<double> ranks(candidates_, 0);
    std::vector<std::size_t> order(candidates_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t s = 0; s < draws_; ++s) {
      const float* value = row(s);
      std::sort(order.begin(), order.end(),
                [&](std::size_t a, std::size_t b) { return value[a] != value[b] ? value[a] > value[b] : a < b; });
      for (std::size_t place = 0; place < candidates_; ++place) {
        ranks[order[place]] += static_cast<double>(place + 1);
      }
    }
    std::for_each(ranks.begin(), ranks.end(), [&](double& rank) { rank /= static_cast<double>(draws_); });
    return ranks;
  }
  [[nodiscard]] double mean(std::size_t candidate) const {
    double sum = 0;
    for (std::size_t s = 0; s < draws_; ++s) {
      sum += truth(row(s)[candidate]);
    }
    return sum / static_cast<double>(draws_);
  }

 private:
  const Outcomes& outcomes_;
  std::size_t candidates_;
  std::size_t draws_;
  std::vector<double> best_;
  std::vector<double> found_;
  bool any_ = false;
};

void mark_front(std::vector<ChoiceModel>& models) {
  for (ChoiceModel& model : models) {
    model.on_front = model.cost && std::none_of(models.begin(), models.end(), [&](const ChoiceModel& other) {
                       return other.cost && *other.cost <= *model.cost && other.mean >= model.mean &&
                              (*other.cost < *model.cost || other.mean > model.mean);
                     });
  }
}

/// Best first; equal means share a rank.
void rank(std::vector<ChoiceModel>& models) {
  std::stable_sort(models.begin(), models.end(),
                   [](const ChoiceModel& a, const ChoiceModel& b) { return a.mean > b.mean; });
  for (std::size_t i = 0; i < models.size(); ++i) {
    const bool tied = i > 0 && models[i].mean == models[i - 1].mean;
    models[i].rank = tied ? models[i - 1].rank : static_cast<int>(i) + 1;
  }
}

class Chooser {
 public:
  Chooser(const ChoiceTables& tables, const std::string& dataset, const ChooseOptions& options)
      : tables_(tables), options_(options), index_(index_tables(tables, options.methods)) {
    const Dataset* target = index_.find(dataset);
    std::vector<std::size_t> candidates;
    if (target == nullptr) {  // history alone
      Dataset empty;
      empty.name = dataset;
      const std::vector<double> unknown(index_.models.size(), NAN);
      empty.truth = empty.linked = empty.y = empty.vote = unknown;
      empty.scores.assign(index_.methods.size(), unknown);
      index_.datasets.push_back(std::move(empty));
      target = &index_.datasets.back();
    }
    candidates = candidates_of(index_, *target);
    if (candidates.size() < 2) {
      throw InputError(
          fmt::format("{}: there is {} to choose from; give the scores of at least two models, or a history "
                      "that names them",
                      in_quotes(dataset), candidates.empty() ? "no model" : "one model only"));
    }
    std::vector<const Dataset*> past;
    for (const Dataset& one : index_.datasets) {
      if (&one != target && one.known > 1) {
        past.push_back(&one);
      }
    }
    const bool scored = std::any_of(target->vote.begin(), target->vote.end(), [](double v) { return !std::isnan(v); });
    if (!scored && past.empty()) {
      throw InputError(
          fmt::format("{}: there are neither scores nor past results to choose by; pass a zoo, --scores or "
                      "--history",
                      in_quotes(dataset)));
    }
    std::vector<bool> known(index_.models.size());
    for (std::size_t m = 0; m < known.size(); ++m) {
      known[m] = target->knows(m);
    }
    problem_ = make_problem(index_, std::move(past), *target, std::move(candidates), std::move(known));
  }

  Choice choose() {
    const std::size_t n = problem_.candidates.size();
    const Outcomes outcomes = predict(problem_, learn(problem_),
                                      DrawTable(options_.draws, n, DrawTable::width(problem_.features), options_.seed));
    Counts counts(outcomes, n);
    std::vector<bool> tried;
    for (const std::size_t m : problem_.candidates) {
      tried.push_back(problem_.known[m]);
    }
    const Shortlist list = shortlist(outcomes, tried, options_.sure, options_.budget);

    Choice choice;
    choice.dataset = problem_.target->name;
    add_methods(choice);
    for (const Dataset* past : problem_.past) {
      choice.past.push_back(past->name);
    }
    choice.unit = !outcomes.scaled ? "standard deviations" : outcomes.link.percent ? "points" : "units of the truth";
    choice.sure = options_.sure;
    choice.order_share = outcomes.order_share;
    const std::vector<double> ranks = counts.expected_ranks();
    for (std::size_t i = 0; i < n; ++i) {
      choice.models.push_back(model_of(outcomes, counts, i));
      choice.models.back().p_best = list.p_best[i];
      choice.models.back().expected_rank = ranks[i];
    }
    rank(choice.models);
    mark_front(choice.models);
    for (std::size_t i = 0; i < n; ++i) {
      if (tried[i]) {
        (void)counts.find(i);
      }
    }
    add_next(counts, list, tried, choice);
    choice.p_best_in_shortlist = list.p_found_before;
    for (std::size_t k = 0; k < list.models.size(); ++k) {
      ChoiceStep step;
      step.model = name(list.models[k]);
      step.gain = counts.find(list.models[k]);
      step.p_best_found = choice.p_best_in_shortlist = list.p_found[k];
      step.expected_loss = counts.loss();
      choice.shortlist.push_back(std::move(step));
    }
    choice.expected_loss = counts.loss();
    add_remarks(tried, choice);
    return choice;
  }

 private:
  [[nodiscard]] const std::string& name(std::size_t candidate) const {
    return index_.models[problem_.candidates[candidate]];
  }

  void add_methods(Choice& choice) const {
    for (std::size_t k = 0; k < index_.methods.size(); ++k) {
      const std::vector<double>& row = problem_.target->scores[k];
      if (std::any_of(row.begin(), row.end(), [](double s) { return !std::isnan(s); })) {
        choice.methods.push_back(index_.methods[k]);
      }
    }
  }

  [[nodiscard]] ChoiceModel model_of(const Outcomes& outcomes, const Counts& counts, std::size_t i) const {
    const std::size_t m = problem_.candidates[i];
    ChoiceModel model;
    model.model = index_.models[m];
    model.mean = outcomes.mean[i];
    model.sd = outcomes.sd[i];
    if (problem_.known[m]) {
      model.known = problem_.target->truth[m];
      model.expected = model.low = model.high = model.known;
    } else if (outcomes.scaled) {
      model.expected = counts.mean(i);
      const Interval interval = interval_of(outcomes, i, options_.sure);
      model.low = interval.low;
      model.high = interval.high;
    }
    if (const auto cost = tables_.cost.find(model.model); cost != tables_.cost.end()) {
      model.cost = cost->second;
    }
    model.reasons.score = outcomes.score[i];
    model.reasons.history = outcomes.history[i];
    model.reasons.spread = outcomes.sd[i];
    for (std::size_t k = 0; k < index_.methods.size(); ++k) {
      const double vote = problem_.target->scores[k][m];
      model.reasons.votes[index_.methods[k]] = std::isnan(vote) ? std::nullopt : std::optional(vote);
    }
    for (const Dataset* past : problem_.past) {
      model.reasons.known_on += past->knows(m) ? 1 : 0;
    }
    return model;
  }

  /// Where some models are tried: the one that is expected to gain most over the best of them.
  void add_next(const Counts& counts, const Shortlist& list, const std::vector<bool>& tried, Choice& choice) const {
    if (!counts.any()) {
      return;
    }
    for (std::size_t i = 0; i < tried.size(); ++i) {
      if (tried[i]) {
        continue;
      }
      const double gain = counts.gain_of(i);
      if (!choice.next || gain > *choice.next->gain) {
        choice.next = ChoiceStep{name(i), list.p_found_before + list.p_best[i], gain, counts.loss() - gain};
      }
    }
  }

  void add_remarks(const std::vector<bool>& tried, Choice& choice) const {
    const std::size_t known = static_cast<std::size_t>(std::count(tried.begin(), tried.end(), true));
    if (problem_.past.empty()) {
      choice.remarks.emplace_back("no past data set with truth: the order is the vote of the methods alone");
    } else if (problem_.past.size() == 1) {
      choice.remarks.emplace_back("one past data set says little about how far data sets agree; intervals are wide");
    }
    if (choice.methods.empty()) {
      choice.remarks.emplace_back("no scores on this data set: the order is the general order of the models");
    }
    if (known == tried.size()) {
      choice.remarks.emplace_back("every model is known on this data set; there is nothing left to try");
    }
    std::size_t new_models = 0;
    for (const ChoiceModel& model : choice.models) {
      new_models += model.reasons.known_on == 0 && !model.known ? 1 : 0;
    }
    if (!problem_.past.empty() && new_models > 0) {
      choice.remarks.push_back(fmt::format("{} without past results", plural(new_models, "model")));
    }
    if (!tables_.cost.empty()) {
      const auto missing = std::count_if(choice.models.begin(), choice.models.end(),
                                         [](const ChoiceModel& model) { return !model.cost; });
      if (missing > 0) {
        choice.remarks.push_back(
            fmt::format("{} without a cost, not on the front", plural(static_cast<std::uint64_t>(missing), "model")));
      }
    }
  }

  const ChoiceTables& tables_;
  const ChooseOptions& options_;
  Tables index_;
  Problem problem_;
};

}  // namespace
}  // namespace choose

std::vector<std::string> default_vote() {
  std::vector<std::string> methods;
  for (const char* name : {"itm", "etran", "ncti"}) {
    if (known_estimator(name) != nullptr) {
      methods.emplace_back(name);
    }
  }
  return methods;
}

Choice choose_models(const ChoiceTables& tables, const std::string& dataset, const ChooseOptions& options) {
  return choose::Chooser(tables, dataset, options).choose();
}

}  // namespace itm
