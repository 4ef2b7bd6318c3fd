#pragma once
// What becomes of the models of a session while it works: who is still in, who failed and why, and the seconds of each.

#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <vector>

#include "itm/estimator.hpp"

namespace itm {

class Roster {
 public:
  Roster(Executor& executor, std::size_t models);

  /// Does the work for a model that is still in and charges it the time. An Error, or memory that is not to be had, is
  /// the model's failure where the executor keeps going, else it is thrown. Safe from several threads.
  void attempt(std::size_t model, const std::function<void()>& work);
  /// Takes the model out, or rethrows.
  void fail(std::size_t model, const std::exception_ptr& failure);
  /// Charges a model seconds that were spent for several together.
  void charge(std::size_t model, double seconds);

  [[nodiscard]] bool is_in(std::size_t model) const;
  /// The models that are still in, ascending.
  [[nodiscard]] std::vector<std::size_t> present() const;

  /// `scored(model)` for those that are in, with their seconds; the failures of the others.
  [[nodiscard]] std::vector<Outcome> outcomes(const std::function<ScoredModel(std::size_t)>& scored) const;

 private:
  Executor& executor_;
  mutable std::mutex guard_;
  std::vector<Outcome> outcomes_;
};

}  // namespace itm
