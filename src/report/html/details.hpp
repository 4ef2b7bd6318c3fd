#pragma once
// What methods add to their models, for a page. The names are theirs: whatever is not as expected counts as absent.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "itm/report.hpp"

namespace itm::html {

/// The details of the models of a result, which must outlive it.
class ModelDetails {
 public:
  explicit ModelDetails(const RankedDataset& result) : models_(result.models) {}

  [[nodiscard]] std::size_t size() const { return models_.size(); }
  /// A finite number.
  [[nodiscard]] std::optional<double> number(std::size_t model, const std::string& key) const;
  /// Whether any model has this finite number.
  [[nodiscard]] bool has_number(const std::string& key) const;
  /// Keys that are a number, a text or a truth value for some model, in the order in which they appear.
  [[nodiscard]] std::vector<std::string> scalar_keys() const;
  /// The value if it is a scalar, else null.
  [[nodiscard]] nlohmann::ordered_json scalar(std::size_t model, const std::string& key) const;
  /// Field `field` of every group in the list `key`; null where it is not a number. Empty when there is no such list.
  [[nodiscard]] std::vector<nlohmann::ordered_json> series(std::size_t model, const std::string& key,
                                                           const std::string& field) const;

 private:
  const std::vector<ScoredModel>& models_;
};

}  // namespace itm::html
