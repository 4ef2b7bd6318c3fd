#include "io/zoo_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "core/text.hpp"

namespace itm::io {
namespace {

/// The first underscore that leaves a known data set behind it gives the longest match.
bool divide_by_known(const std::string& stem, const std::unordered_set<std::string>& known, NamedPair& pair) {
  for (std::size_t at = stem.find('_'); at != std::string::npos; at = stem.find('_', at + 1)) {
    if (at > 0 && known.contains(stem.substr(at + 1))) {
      pair = {stem.substr(0, at), stem.substr(at + 1)};
      return true;
    }
  }
  return false;
}

/// "vit_b16" -> "b16"; empty where the name is a single word.
std::string last_word(const std::string& model) {
  const std::size_t at = model.rfind('_');
  return at == std::string::npos || at == 0 ? std::string() : model.substr(at + 1);
}

void move_last_word(NamedPair& pair) {
  const std::string word = last_word(pair.model);
  pair.model.resize(pair.model.size() - word.size() - 1);
  pair.dataset.insert(0, word + "_");
}

class Division {
 public:
  Division(const std::vector<std::string>& stems, const std::unordered_set<std::string>& known)
      : pairs_(stems.size()), open_(stems.size()) {
    for (std::size_t i = 0; i < stems.size(); ++i) {
      if (divide_by_known(stems[i], known, pairs_[i])) {
        continue;
      }
      const std::size_t last = stems[i].rfind('_');
      if (last != std::string::npos) {
        pairs_[i] = {stems[i].substr(0, last), stems[i].substr(last + 1)};
        open_[i] = true;
      }
    }
  }

  NameReading read() {
    NameReading reading;
    const std::vector<NamedPair> plain = pairs_;
    take_common_words();
    keep_known_models();
    reading.question = doubt();
    if (names_in(pairs_) == names_in(plain) && pairs_ != plain) {
      reading.remark = fmt::format("read as {} with models {}; pass --dataset {} where the models are {}",
                                   few(&NamedPair::dataset, pairs_), few(&NamedPair::model, pairs_),
                                   printable(plain.front().dataset), few(&NamedPair::model, plain));
    }
    reading.pairs = std::move(pairs_);
    return reading;
  }

 private:
  using Groups = std::map<std::string, std::vector<std::size_t>>;

  /// The pairs of each data set whose name is still a guess.
  [[nodiscard]] Groups groups() const {
    Groups found;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      if (open_[i]) {
        found[pairs_[i].dataset].push_back(i);
      }
    }
    return found;
  }

  /// How many names of models and data sets a division needs: the fewer, the likelier.
  [[nodiscard]] static std::size_t names_in(const std::vector<NamedPair>& pairs) {
    std::set<std::string_view> models;
    std::set<std::string_view> datasets;
    for (const NamedPair& pair : pairs) {
      models.insert(pair.model);
      datasets.insert(pair.dataset);
    }
    return models.size() + datasets.size();
  }

  /// The first three models, or data sets.
  [[nodiscard]] static std::string few(std::string NamedPair::*part, const std::vector<NamedPair>& pairs) {
    std::set<std::string> names;
    for (const NamedPair& pair : pairs) {
      names.insert(printable(pair.*part));
    }
    const std::size_t shown = std::min<std::size_t>(names.size(), 3);
    const std::vector<std::string> first(names.begin(), std::next(names.begin(), static_cast<std::ptrdiff_t>(shown)));
    return fmt::format("{}{}", fmt::join(first, ", "), names.size() > shown ? ", ..." : "");
  }

  void take_common_words() {
    std::vector<NamedPair> longer = pairs_;
    const Groups found = groups();
    for (const auto& [dataset, members] : found) {
      while (members.size() > 1) {
        const std::string word = last_word(longer[members.front()].model);
        if (word.empty() ||
            !std::all_of(members.begin(), members.end(), [&](auto i) { return last_word(longer[i].model) == word; })) {
          break;
        }
        std::for_each(members.begin(), members.end(), [&](auto i) { move_last_word(longer[i]); });
      }
    }
    if (names_in(longer) <= names_in(pairs_)) {
      pairs_ = std::move(longer);
    }
  }

  void keep_known_models() {
    std::set<std::string> elsewhere;
    const Groups found = groups();
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      if (!open_[i] || found.at(pairs_[i].dataset).size() > 1) {
        elsewhere.insert(pairs_[i].model);
      }
    }
    for (const auto& [dataset, members] : found) {
      if (members.size() > 1 || elsewhere.contains(pairs_[members.front()].model)) {
        continue;
      }
      NamedPair shorter = pairs_[members.front()];
      while (!last_word(shorter.model).empty()) {
        move_last_word(shorter);
        if (elsewhere.contains(shorter.model)) {
          pairs_[members.front()] = shorter;
          break;
        }
      }
    }
  }

  /// What cannot be decided, as a question.
  [[nodiscard]] std::string doubt() const {
    const Groups found = groups();
    for (const auto& [dataset, members] : found) {
      std::map<std::string, std::vector<std::size_t>> by_word;
      std::set<std::string> models;
      for (const std::size_t i : members) {
        models.insert(pairs_[i].model);
        by_word[last_word(pairs_[i].model)].push_back(i);
      }
      for (const auto& [word, some] : by_word) {
        if (word.empty() || some.size() < 2) {
          continue;
        }
        const bool all_there = std::all_of(some.begin(), some.end(), [&, &word = word](std::size_t i) {
          const std::string& model = pairs_[i].model;
          return models.contains(model.substr(0, model.size() - word.size() - 1));
        });
        if (all_there) {
          const std::string& model = pairs_[some.front()].model;
          return question(model + "_" + dataset, {model, dataset},
                          {model.substr(0, model.size() - word.size() - 1), word + "_" + dataset});
        }
      }
    }
    // Not one part of a name comes twice.
    const bool open = std::all_of(open_.begin(), open_.end(), [](bool o) { return o; });
    if (pairs_.size() > 1 && open && names_in(pairs_) == 2 * pairs_.size()) {
      for (const NamedPair& pair : pairs_) {
        if (const std::string word = last_word(pair.model); !word.empty()) {
          return question(pair.model + "_" + pair.dataset, pair,
                          {pair.model.substr(0, pair.model.size() - word.size() - 1), word + "_" + pair.dataset});
        }
      }
    }
    return {};
  }

  [[nodiscard]] static std::string question(const std::string& stem, const NamedPair& one, const NamedPair& other) {
    return fmt::format(
        "is {} model {} on data set {}, or {} on {}? Pass --dataset {} or --dataset {}, or write a manifest (zoo.csv)",
        printable(stem, 200), in_quotes(one.model), in_quotes(one.dataset), in_quotes(other.model),
        in_quotes(other.dataset), printable(one.dataset, 200), printable(other.dataset, 200));
  }

  std::vector<NamedPair> pairs_;
  std::vector<bool> open_;  ///< no known data set decided
};

}  // namespace

NameReading divide_names(const std::vector<std::string>& stems, const std::unordered_set<std::string>& known) {
  return Division(stems, known).read();
}

}  // namespace itm::io
