#pragma once
// What methods add to their models. The shapes are theirs: whatever is not as expected counts as absent.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "itm/report.hpp"

namespace itm::html {

/// The models' details in the order of the models; an empty object where they are not an object.
class Details {
 public:
  explicit Details(const RankedDataset& result);

  [[nodiscard]] std::size_t size() const { return of_.size(); }
  [[nodiscard]] std::optional<double> number(std::size_t model, const char* key) const;
  /// Whether any model has this finite number.
  [[nodiscard]] bool has_number(const char* key) const;
  /// Keys that are a number, a text or a truth value for some model, in the order in which they appear.
  [[nodiscard]] std::vector<std::string> scalar_keys() const;
  /// The value if it is a scalar, else null.
  [[nodiscard]] nlohmann::ordered_json scalar(std::size_t model, const std::string& key) const;
  /// Field `field` of every object in the array `key`; null where it is not a number. Empty when there is no array.
  [[nodiscard]] std::vector<nlohmann::ordered_json> series(std::size_t model, const char* key, const char* field) const;

 private:
  std::vector<nlohmann::ordered_json> of_;
};

}  // namespace itm::html
