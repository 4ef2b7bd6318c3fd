#pragma once
// Every number of the model that is not learned, in one place; docs/choose.md says why each is so.

#include <array>

namespace itm::choose::prior {

struct Rho {
  double value;
  double share;
};
/// Correlation between the general quality of models and their quality on a data set that follows it.
inline constexpr std::array<Rho, 7> rhos{
    {{0.05, 0.06}, {0.35, 0.10}, {0.55, 0.16}, {0.7, 0.2}, {0.82, 0.22}, {0.9, 0.16}, {0.96, 0.10}}};

/// Data sets follow the general order, or surprise.
struct Kind {
  double follows;  ///< part of rho
  double share;
};
inline constexpr std::array<Kind, 2> kinds{{{1, 0.75}, {0.2, 0.25}}};

/// What is left to noise of the variance that the general quality does not explain.
struct Noise {
  double part;
  double share;
};
inline constexpr std::array<Noise, 3> noises{{{0.35, 0.2}, {0.65, 0.3}, {1, 0.5}}};

/// Past data sets that the shares of kinds and noises are worth.
inline constexpr double worth = 6;

/// Weight of a model's mean vote, of the vote's departure from it on one data set, and of each method beyond the vote.
inline constexpr double vote_mean = 0.5;
inline constexpr double vote_sd = 0.5;
inline constexpr double departure_mean = 0.15;
inline constexpr double departure_sd = 0.15;
struct Omega {
  double value;
  double share;
};
inline constexpr std::array<Omega, 4> omegas{{{0.005, 0.3}, {0.015, 0.3}, {0.05, 0.25}, {0.15, 0.15}}};
/// By how much the worth of the vote differs from data set to data set.
inline constexpr double vote_drift = 0.15;

/// Standardised truths beyond it hardly count for more: one failed run says no more than that it failed. The slope keeps
/// their order.
inline constexpr double largest_y = 2;
inline constexpr double beyond_slope = 0.1;
/// What a data set with some models unknown may be off by, in standard deviations.
inline constexpr double offset_sd = 1;
/// In turn: the state of each data set given the others, then weights and qualities.
inline constexpr int rounds = 6;

/// What truths of a data set are like before others say so: how far the means of data sets are apart, in logits and in
/// standard deviations of the models; those standard deviations, and how far their logarithms are apart.
inline constexpr double lone_logit_sd = 1.2;
/// Data sets that these are worth.
inline constexpr double level_worth = 2;
inline constexpr double lone_offset_sd = 3;
inline constexpr double lone_scale = 0.5;
inline constexpr double lone_scale_sd = 0.6;
/// Ways that things may be which are less probable are left out.
inline constexpr double least_share = 1e-4;

}  // namespace itm::choose::prior
