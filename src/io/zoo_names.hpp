#pragma once
// {model}_{dataset}: where does the model's name end? Both parts may hold underscores.

#include <string>
#include <unordered_set>
#include <vector>

namespace itm::io {

struct NamedPair {
  std::string model;
  std::string dataset;
  bool operator==(const NamedPair&) const = default;
};

struct NameReading {
  std::vector<NamedPair> pairs;  ///< one per stem; without an underscore both parts are empty
  std::string question;          ///< not empty: two readings are possible, and these are they
  std::string remark;            ///< how it was read, where only a guess could decide
};

/// Divides the names of a zoo's feature files. In this order: a known data set is what its name says; words that all
/// models of a data set have in common belong to the data set, unless that gives more names in all; a model that is
/// known from other data sets keeps its name; else the data set is the last word. Where leaving out a word gives models
/// that are there too (a, a_large), or no two names share a part, nobody can tell.
[[nodiscard]] NameReading divide_names(const std::vector<std::string>& stems,
                                       const std::unordered_set<std::string>& known);

}  // namespace itm::io
