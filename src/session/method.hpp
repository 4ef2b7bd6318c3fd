#pragma once
// Methods that score one model at a time: such a method is one function of what a model offers. Its session opens and
// checks what the method reads, runs models and seeds side by side, and takes the mean over seeds. How sure a score is
// it finds out by leaving groups of rows out in turn, where that is wanted or cheap, and for an accuracy from the
// number of rows. Zoo-wide steps (ETran's min-max) go into `over_zoo`.

#include <functional>
#include <string>
#include <vector>

#include "itm/details.hpp"
#include "itm/estimator.hpp"
#include "session/model_input.hpp"

namespace itm {

/// A score with what it is made of. Larger is better.
struct Scored {
  double score = 0;
  double tie_break = 0;  ///< orders models with equal scores; larger is better
  Details details{};
  std::optional<double> error{};  ///< standard error, where the method knows it better than the session
  std::string error_from{};
  std::string note{};  ///< one sentence that the reader of the score should know
};

/// One method's function.
using ScoreModel = std::function<Scored(ModelInput&)>;
/// Changes the scores of the models of one data set; they are in task order, failed ones left out.
using OverZoo = std::function<void(std::vector<Scored*>&)>;

/// Adds weight * minmax(detail) to every score, the min-max taken over the models. Models that are all alike in it, or
/// one alone, get nothing.
void add_scaled_detail(const std::vector<Scored*>& models, const char* detail, double weight);

/// Completes `about` (everything but `open`) with a session around `score`.
[[nodiscard]] Estimator model_estimator(const Estimator& about, ScoreModel score, OverZoo over_zoo = {});

}  // namespace itm
