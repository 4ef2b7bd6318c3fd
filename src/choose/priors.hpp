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
inline constexpr std::array<Kind, 2> kinds{{{1, 0.85}, {0.3, 0.15}}};

/// What is left to noise of the variance that the general quality does not explain.
struct Noise {
  double part;
  double share;
};
inline constexpr std::array<Noise, 3> noises{{{0.35, 0.2}, {0.65, 0.3}, {1, 0.5}}};

/// Past data sets that the shares of kinds and noises are worth.
inline constexpr double worth = 3;

/// Weight of the vote, of a model's mean vote beyond it, and of each method beyond the vote.
inline constexpr double vote_mean = 0.5;
inline constexpr double vote_sd = 0.5;
inline constexpr double habit_sd = 0.5;
struct Omega {
  double value;
  double share;
};
inline constexpr std::array<Omega, 4> omegas{{{0.02, 0.2}, {0.06, 0.35}, {0.15, 0.3}, {0.35, 0.15}}};
/// By how much the worth of the vote differs from data set to data set.
inline constexpr double vote_drift = 0.15;

inline constexpr double largest_y = 2.5;
inline constexpr double offset_sd = 1;
inline constexpr int rounds = 6;

/// What truths of a data set are like before others say so: the mean in standard deviations, those in linked units.
inline constexpr double lone_offset_sd = 3;
inline constexpr double lone_scale = 0.5;
inline constexpr double lone_scale_sd = 0.6;
/// Ways that things may be which are less probable are left out.
inline constexpr double least_share = 1e-4;

}  // namespace itm::choose::prior
