#pragma once
// What past data sets teach: every model's general quality, how closely data sets follow it, and what each method's
// score is worth (docs/choose.md, "The model" and "Learning").

#include <cstddef>
#include <vector>

#include "choose/tables.hpp"

namespace itm::choose {

/// How one data set may relate to the general quality u: y = rho u + scores + noise of standard deviation sigma.
struct State {
  double rho = 0;
  double sigma = 1;
  double share = 1;  ///< probability that the next data set is so
};

/// Weights of the features given omega, a Gaussian.
struct Weights {
  double log_evidence = 0;
  std::vector<double> mean;        ///< [F]
  std::vector<double> covariance;  ///< [F, F]
};

/// Everything given one correlation of data sets that follow the general order. Given weights w, the general quality
/// of model m is Gaussian with mean level[m] - pull[m] . w and precision[m].
struct Memory {
  double rho = 0;
  std::vector<State> states;
  std::vector<double> level;      ///< [M]
  std::vector<double> pull;       ///< [M, F]
  std::vector<double> precision;  ///< [M]
  std::vector<Weights> weights;   ///< one an omega
};

/// One memory a value of the grid of rho, log evidences (priors included) comparable across all of them.
[[nodiscard]] std::vector<Memory> learn(const Problem& problem);

}  // namespace itm::choose
