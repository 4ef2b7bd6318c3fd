#pragma once
// Which models to fine-tune: scores and what fine-tuning gave before, joined to a shortlist with probabilities
// (docs/choose.md has the derivation). Everything works from plain tables.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "itm/agreement.hpp"
#include "itm/report.hpp"
#include "itm/zoo.hpp"

namespace itm {

/// What one method says of the models of one data set.
struct MethodScores {
  std::string dataset;                  ///< of the models
  std::string method;                   ///< by its name
  std::map<std::string, double> order;  ///< by model; larger is better, only the order counts
};

/// Everything that is known before a choice. Parts may be empty.
struct ChoiceTables {
  /// What fine-tuning gave, the data set to choose for included where some models are known there. Percentages become
  /// logits; columns with a value outside of [0, 100] are taken as they are.
  std::vector<GroundTruth> truth;
  std::vector<MethodScores> scores;         ///< one a data set and method
  std::string cost_name;                    ///< "param_count"
  std::map<std::string, double> cost;       ///< by model, smaller is better
  std::map<std::string, std::string> kind;  ///< by model: architecture family, pre-training ...
};

/// How a choice is made.
struct ChooseOptions {
  std::vector<std::string> methods;   ///< that vote; empty: all in the tables
  std::optional<std::size_t> budget;  ///< length of the shortlist; nothing: the shortest that is `sure`
  double sure = 0.8;                  ///< probability that the best is in the list, and of intervals
  std::size_t draws = 8192;           ///< of joint outcomes, from which probabilities are counted
  std::uint64_t seed = 0;             ///< of the draws
};

/// Why a model stands where it stands, in standard deviations of the models' quality on the data set.
struct ChoiceReasons {
  double score = 0;                                    ///< what the methods add to the mean
  double history = 0;                                  ///< what past data sets add to it
  double spread = 0;                                   ///< standard deviation of what remains unknown
  std::map<std::string, std::optional<double>> votes;  ///< normal score of the model's rank by each method
  std::size_t known_on = 0;                            ///< past data sets on which its truth is known
};

/// What is expected of one model.
struct ChoiceModel {
  std::string model;               ///< its name
  int rank = 0;                    ///< 1 = best mean; equal means share a rank
  double mean = 0;                 ///< expected quality, in standard deviations of the models' quality
  double sd = 0;                   ///< of the quality
  double p_best = 0;               ///< probability to be the best
  double expected_rank = 0;        ///< over the draws
  std::optional<double> expected;  ///< accuracy (or whatever the truth holds), where history gives a scale
  std::optional<double> low;       ///< ends of its central interval
  std::optional<double> high;      ///< the upper of them
  std::optional<double> known;     ///< truth on this data set
  std::optional<double> cost;      ///< from the tables
  bool on_front = false;           ///< no model that costs no more is expected to be as good
  ChoiceReasons reasons;           ///< behind the mean
};

/// One more fine-tuning, after all that come before it.
struct ChoiceStep {
  std::string model;           ///< to fine-tune
  double p_best_found = 0;     ///< probability that the best is among it, those before and those known
  std::optional<double> gain;  ///< expected gain over the best of those before and known; nothing for the very first
  double expected_loss = 0;    ///< expected distance from the best found to the best of all, when stopping after it
};

/// What to fine-tune on one data set.
struct Choice {
  std::string dataset;                ///< that is chosen for
  std::vector<std::string> methods;   ///< that vote on this data set
  std::vector<std::string> past;      ///< data sets with truth that were learned from
  std::vector<ChoiceModel> models;    ///< best first
  std::vector<ChoiceStep> shortlist;  ///< models to fine-tune, in this order
  double p_best_in_shortlist = 0;     ///< or known already
  double expected_loss = 0;           ///< of stopping after the shortlist
  std::string unit;                   ///< of gain, loss: "points" or "standard deviations"
  std::optional<ChoiceStep> next;     ///< what to try next, where some models are known on the data set
  double sure = 0.8;                  ///< probability that intervals hold the truth
  double order_share = 0;             ///< how closely the data set is expected to follow the general order, 0 to 1
  std::vector<std::string> remarks;   ///< what the reader should know, a sentence each
};

/// The methods whose equal vote is the documented default (ITM, ETran, NCTI), as far as they are registered.
[[nodiscard]] std::vector<std::string> default_vote();

/// Throws InputError when there is nothing to choose between on `dataset`: fewer than two models with a score there or
/// a truth anywhere; or when two tables contradict each other.
[[nodiscard]] Choice choose_models(const ChoiceTables& tables, const std::string& dataset,
                                   const ChooseOptions& options = {});

/// How choices are evaluated.
struct EvaluateOptions {
  std::vector<std::string> methods;  ///< that vote; empty: all in the tables
  std::vector<std::size_t> known;    ///< numbers of past data sets to try; empty: 0, 1, 2, 3, 5, 9 and all others
  std::size_t choices = 4;           ///< of past data sets, for each data set and number
  std::size_t best_of = 3;           ///< K of the regret of the best of K
  double sure = 0.8;                 ///< probability that lists and intervals are made for
  std::size_t draws = 512;           ///< of joint outcomes for each choice
  std::uint64_t seed = 0;            ///< of draws and of the choice of past data sets
};

/// How good one order of the models was, mean over cases. Figures that no case has are absent.
struct EvaluatedOrder {
  std::optional<double> tau_w;        ///< paper eq. 1
  std::optional<double> kind_pairs;   ///< share of the pairs of one kind that are in order
  std::optional<double> regret;       ///< points of accuracy that its first model loses against the best
  std::optional<double> regret_of_k;  ///< that the best of its first K loses
};

/// Every data set left out, with `known` others as the past.
struct EvaluatedKnown {
  std::size_t known = 0;                    ///< past data sets
  std::size_t cases = 0;                    ///< data sets left out, times choices of the past
  EvaluatedOrder choose;                    ///< the model of choose_models()
  EvaluatedOrder score;                     ///< the vote alone
  EvaluatedOrder order;                     ///< the models' mean standardised truth on the known data sets
  std::optional<double> coverage;           ///< share of the lists that hold the best
  std::optional<double> length;             ///< models in a list
  std::optional<double> share;              ///< the same over the models of the zoo
  std::optional<double> interval_coverage;  ///< share of the intervals that hold the truth
  std::optional<double> interval_width;     ///< points of accuracy
};

/// How a method treats one kind of model: ranks that it gives too far down (positive) or up (negative).
struct KindError {
  std::string method;        ///< that errs
  std::string kind;          ///< of model
  double rank_error = 0;     ///< mean of rank by the method minus rank by the truth
  std::size_t datasets = 0;  ///< with models of the kind that have both
};

/// How far choices can be trusted on these tables.
struct Evaluation {
  std::vector<std::string> methods;   ///< that vote
  std::vector<std::string> datasets;  ///< left out in turn
  std::size_t best_of = 3;            ///< K of EvaluatedOrder::regret_of_k
  double sure = 0.8;                  ///< that lists and intervals were made for
  std::vector<EvaluatedKnown> rows;   ///< one a number of past data sets
  std::vector<KindError> kinds;       ///< where kinds are known: every method, and "vote" for all of them together
};

/// Choices as JSON (schema itm.choose/1), CSV with a line per model, a table for the terminal, and a page.
///@{
[[nodiscard]] std::string to_json(const std::vector<Choice>& choices);
[[nodiscard]] std::string to_csv(const std::vector<Choice>& choices, CsvText text = CsvText::guarded);
[[nodiscard]] std::string to_table(const std::vector<Choice>& choices, bool colour);
[[nodiscard]] std::string to_html(const std::vector<Choice>& choices, const HtmlOptions& options);
///@}

/// An evaluation as JSON (schema itm.evaluate/1), CSV, a table for the terminal, and a page.
///@{
[[nodiscard]] std::string to_json(const Evaluation& evaluation);
[[nodiscard]] std::string to_csv(const Evaluation& evaluation);
[[nodiscard]] std::string to_table(const Evaluation& evaluation, bool colour);
[[nodiscard]] std::string to_html(const Evaluation& evaluation, const HtmlOptions& options);
///@}

/// Leaves each data set with truth out in turn. Throws InputError as choose_models() does.
[[nodiscard]] Evaluation evaluate_choices(const ChoiceTables& tables, const EvaluateOptions& options = {});

}  // namespace itm
