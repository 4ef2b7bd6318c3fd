#pragma once
// What the memory says of a new data set: joint outcomes of all candidates (docs/choose.md, "A new data set").

#include <cstddef>
#include <cstdint>
#include <vector>

#include "choose/memory.hpp"
#include "choose/tables.hpp"

namespace itm::choose {

/// Random numbers of the draws, the same for every prediction: Student's t with unit variance for each model, normal
/// for what models share. Entry (draw, column) is a function of the seed, the draw and the column alone.
class DrawTable {
 public:
  DrawTable(std::size_t draws, std::size_t models, std::size_t shared, std::uint64_t seed);
  [[nodiscard]] std::size_t draws() const { return draws_; }
  [[nodiscard]] const double* own(std::size_t draw) const { return own_.data() + draw * models_; }
  [[nodiscard]] const double* shared(std::size_t draw) const { return shared_.data() + draw * width_; }
  /// Shared numbers that a prediction with F features needs.
  [[nodiscard]] static std::size_t width(std::size_t features) { return features + 5; }

 private:
  std::size_t draws_;
  std::size_t models_;
  std::size_t width_;
  std::vector<double> own_;
  std::vector<double> shared_;
};

/// Joint outcomes; candidates in the order of Problem::candidates.
struct Outcomes {
  std::vector<double> mean;  ///< quality, standard deviations of the data set
  std::vector<double> sd;
  std::vector<double> score;    ///< part of the mean that scores add
  std::vector<double> history;  ///< part that the general quality adds
  std::vector<double> p_best;   ///< probability to be the best of the candidates; they add up to 1
  double order_share = 0;       ///< E[rho]
  bool scaled = false;          ///< whether `value` holds truths; else qualities
  TruthLink link;
  std::vector<float> value;  ///< [draws, candidates]
};

[[nodiscard]] Outcomes predict(const Problem& problem, const std::vector<Memory>& memories, const DrawTable& table);

}  // namespace itm::choose
