#pragma once
// What is known of a zoo's models beside their files: parameters, milliseconds, family, pre-training ...

#include <map>
#include <string>
#include <vector>

#include "itm/zoo.hpp"

namespace itm::io {

/// Facts of one zoo, by their names.
struct ModelFacts {
  std::map<std::string, std::map<std::string, std::string>> columns;  ///< by fact and model

  /// Throws InputError, with the facts that there are, for one that no model has.
  [[nodiscard]] const std::map<std::string, std::string>& words(const std::string& fact) const;
  /// Throws InputError as words(), and for a value that is no number.
  [[nodiscard]] std::map<std::string, double> numbers(const std::string& fact) const;
};

/// The record that itm-extract leaves beside its files.
inline constexpr const char* extraction_record = "extraction.json";

/// From the further columns of the zoo's manifest, and from the record of the extraction in its folder where there is
/// one; the manifest's word counts. A model with several values, as milliseconds on several data sets, has the first.
/// Throws InputError for a record that is no such record.
[[nodiscard]] ModelFacts facts_of(const Zoo& zoo);

}  // namespace itm::io
