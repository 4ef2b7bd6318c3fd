#pragma once
// Scores beside the ground truth of their models.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "itm/agreement.hpp"

namespace itm {

class TruthMatch {
 public:
  /// `accuracy` by model; must outlive the object.
  explicit TruthMatch(const std::map<std::string, double>& accuracy) : accuracy_(accuracy) {}

  /// The model's truth; a model without one is noted as missing and takes no part.
  std::optional<double> add(const std::string& model, double score, double order) {
    const auto cell = accuracy_.find(model);
    if (cell == accuracy_.end()) {
      missing_.push_back(model);
      return std::nullopt;
    }
    score_.push_back(score);
    order_.push_back(order);
    truth_.push_back(cell->second);
    return cell->second;
  }

  [[nodiscard]] bool empty() const { return truth_.empty(); }
  [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }
  [[nodiscard]] Agreement measure(const BootstrapOptions& bootstrap) const {
    return measure_agreement(score_, order_, truth_, bootstrap);
  }

 private:
  const std::map<std::string, double>& accuracy_;
  std::vector<double> score_;
  std::vector<double> order_;
  std::vector<double> truth_;
  std::vector<std::string> missing_;
};

}  // namespace itm
