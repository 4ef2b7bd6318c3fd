#pragma once
// One fixed order of the models, from what they reached elsewhere: what any score should be held against.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "itm/zoo.hpp"

namespace itm {

/// Between a truth and the scale on which it is close to normal: the logit of a percentage, or the number itself.
struct TruthLink {
  bool percent = true;
  [[nodiscard]] double forward(double truth) const;
  [[nodiscard]] double back(double value) const;
};

/// What the truths of one data set are like: percentages where none is outside of [0, 100].
struct TruthScale {
  TruthLink link;
  double centre = 0;  ///< mean of the linked truths
  double spread = 1;  ///< their standard deviation; 1 where they do not vary
  [[nodiscard]] double standardised(double truth) const { return (link.forward(truth) - centre) / spread; }
};
[[nodiscard]] TruthScale scale_of(const std::vector<double>& truths);

/// Every model's mean standardised truth on the data sets other than `dataset` that know two models or more.
[[nodiscard]] std::map<std::string, double> fixed_order(const GroundTruth& truth, const std::string& dataset);

/// Data sets and what the fixed order reaches on them.
using FixedOrders = std::vector<std::pair<std::string, double>>;
/// "a fixed order of the models, by the truth's other data sets, reaches tau_w 0.812 on greek, 0.750 on texture; mean
/// 0.781"; empty without any.
[[nodiscard]] std::string fixed_order_sentence(const FixedOrders& orders);

}  // namespace itm
