// docs/json.md and the program say the same: every key that a command writes is documented with its type, and every
// documented key is written by one of these runs.

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "run_itm.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

/// The tables of the page: section -> key -> type.
using Tables = std::map<std::string, std::map<std::string, std::string>>;

Tables documented() {
  Tables tables;
  std::istringstream page(text_of(examples() + "/../docs/json.md"));
  const std::regex row(R"(\| `([^`]+)` \| ([^|]+) \|.*)");
  std::string section;
  for (std::string line; std::getline(page, line);) {
    std::smatch cells;
    if (line.starts_with("## ")) {
      section = line.substr(3);
    } else if (std::regex_match(line, cells, row)) {
      EXPECT_TRUE(tables[section].emplace(cells[1], cells[2]).second) << section << " " << cells[1] << " twice";
    }
  }
  return tables;
}

std::string kind_of(const Json& json) {
  return json.is_string()    ? "text"
         : json.is_number()  ? "number"
         : json.is_boolean() ? "flag"
         : json.is_array()   ? "list"
         : json.is_object()  ? "object"
                             : "null";
}

class JsonPage {
 public:
  void check(const std::string& section, const Json& json) { walk(section, json, "", true); }

  /// Keys that no run wrote.
  [[nodiscard]] Words unused() const {
    Words keys;
    for (const auto& [section, table] : tables_) {
      for (const auto& [key, type] : table) {
        if (!used_.contains(section + " " + key)) {
          keys.push_back(section + ": " + key);
        }
      }
    }
    return keys;
  }

 private:
  /// `open`: its type says no more of its parts than what it is.
  void walk(const std::string& section, const Json& json, const std::string& path, bool is_root) {
    if (json.is_array()) {
      for (const Json& element : json) {
        walk(section, element, path + "[]", false);
      }
    }
    if (!json.is_object()) {
      return;
    }
    for (const auto& [name, value] : json.items()) {
      const std::string start = is_root ? "" : path + ".";
      const auto& table = tables_.at(section);
      std::string key = start + name;
      if (!table.contains(key)) {
        key = start + "*";
      }
      if (!table.contains(key)) {
        ADD_FAILURE() << section << ": " << start + name << " is not documented";
        continue;
      }
      used_.insert(section + " " + key);
      expect_type(section, key, table.at(key), value);
    }
  }

  void expect_type(const std::string& section, const std::string& key, const std::string& type, const Json& value) {
    if (type == "any") {
      return;
    }
    if (tables_.contains(type)) {
      check(type, value);
      return;
    }
    if (type.starts_with("list of ")) {
      EXPECT_TRUE(value.is_array()) << section << ": " << key;
      for (const Json& element : value) {
        expect_type(section, key, type.substr(8), element);
      }
      return;
    }
    const std::size_t either = type.find(" or list of ");
    if (either != std::string::npos) {
      expect_type(section, key, value.is_array() ? type.substr(either + 4) : type.substr(0, either), value);
      return;
    }
    EXPECT_NE((" or " + type + " or ").find(" or " + kind_of(value) + " or "), std::string::npos)
        << section << ": " << key << " is " << kind_of(value) << ", documented as " << type;
    walk(section, value, key, false);
  }

  Tables tables_ = documented();
  std::set<std::string> used_;
};

class Schemas : public ::testing::Test {
 protected:
  Schemas() : zoo_(folder_.path().string()) {
    write_small_zoo(folder_.path(), "made");
    write_small_zoo(folder_.path(), "other");
    write_text(folder_ / "truth.csv", "model,made,other\ngood,95,90\nfair,70,80\npoor,30,20\n");
    write_text(folder_ / "part.csv", "model,made,other\ngood,95,90\nfair,70,\n");
    write_text(folder_ / "past.csv", "model,other\ngood,90\nfair,80\npoor,20\n");
    write_text(folder_ / "pets.json", R"({"schema": "itm.rank/1", "results": [{"dataset": "Pets", "method": "itm",
        "seconds": 3, "agreement": {"tau_w": 0.5}, "models": [{"model": "good", "score": 1}]}]})");
    write_text(folder_ / "cost.csv", "model,cost\ngood,3\nfair,2\npoor,1\n");
    write_text(folder_ / "kinds.csv", "model,kind\ngood,a\nfair,b\npoor,a\n");
    write_text(folder_ / "before.csv", "dataset,method,model,score\nmade,knn,good,3\nmade,knn,fair,2\n");
    write_text(folder_ / "sweep.json", R"({"schema": "itm.sweep/1", "zoo": ".", "truth": "part.csv",
        "datasets": ["made"], "methods": ["itm", "knn"], "settings": {"iterations": 5, "seed": [0, 1],
        "centres": ["onehot"]}})");
    write_entry(folder_.path(), "wide", "broken", made_data(150, 8, 5, 1.0, 4));
    write_entry(folder_.path(), "plain", "broken", made_data(150, 8, 5, 1.0, 5));
    write_text(folder_ / "bad_broken_feature.npy", "no array");
    std::filesystem::copy(folder_ / "wide_broken_label.npy", folder_ / "bad_broken_label.npy");
    write_text(folder_ / "broken.json", R"({"schema": "itm.sweep/1", "zoo": ".", "datasets": ["broken"],
        "methods": ["all"], "settings": {"iterations": 5}})");
    std::filesystem::copy(folder_ / "wide_broken_feature.npy", folder_ / "wide_broken_output.npy");
  }

  void check(Words arguments) {
    for (std::string& argument : arguments) {
      if (argument == "Z" || argument.starts_with("Z/")) {
        argument.replace(0, 1, zoo_);
      }
    }
    arguments.insert(arguments.end(), {"--format", "json", "--quiet"});
    const Finished run = run_itm(arguments);
    ASSERT_TRUE(Json::accept(run.out)) << arguments[0] << ": " << run.err;
    const Json json = Json::parse(run.out);
    SCOPED_TRACE(arguments[0]);
    EXPECT_EQ(json["record"]["command"], arguments[0]);
    page_.check(json["schema"], json);
  }

  TemporaryFolder folder_;
  std::string zoo_;
  JsonPage page_;
};

TEST_F(Schemas, AreWhatTheirPageSays) {
  const std::string good = "Z/good_made_feature.npy";
  const std::string label = "Z/good_made_label.npy";
  check({"rank", "Z", "--dataset", "made,other", "--method", "itm,knn,logme", "--iterations", "20", "--truth",
         "Z/part.csv", "--bootstrap", "20", "--dispersion-base", "1"});
  check({"rank", "Z", "--dataset", "made", "--method", "knn", "--truth", "Z/truth.csv"});
  check({"rank", "Z", "--dataset", "broken", "--method", "all", "--keep-going", "--iterations", "5"});
  check({"score", "--method", "knn", "--feature", good, "--label", label});
  check({"sweep", "Z/sweep.json", "--dry-run"});
  check({"sweep", "Z/sweep.json"});
  check({"sweep", "Z/broken.json", "--keep-going"});
  check({"ablate", "batch-size", "Z", "--dataset", "made,other", "--truth", "Z/truth.csv", "--seeds", "1"});
  check({"choose", "Z", "--dataset", "made", "--methods", "knn,logme", "--history", "Z/part.csv", "--cost",
         "Z/cost.csv"});
  check({"choose", "Z", "--dataset", "made", "--methods", "knn", "--history", "Z/past.csv"});
  check({"evaluate", "Z/truth.csv", "--kinds", "Z/kinds.csv", "--scores", "Z/before.csv", "--known", "0,1"});
  check({"compare", "Z/before.csv", "Z/before.csv"});
  check({"correlate", "--scores", "Z/before.csv", "--truth", "Z/truth.csv"});
  check({"inspect", "Z"});
  check({"methods"});
  check({"evolve", "--feature", good, "--label", label, "--out-dir", "Z/evolved", "--at", "0,1", "--perplexity", "10"});
  check({"synth", "Z/synth", "--models", "3", "--rows", "60"});
  check({"paper"});
  check({"paper", "table1", "--beside", "Z/pets.json"});
  check({"replay", test_data() + "/itm_trace/small"});
  check({"verify", "Z", "--dataset", "made", "--iterations", "5"});
  check({"bench", "paper", "--method", "knn", "--dataset", "Cars", "--rows-limit", "400", "--quick"});
  EXPECT_EQ(page_.unused(), Words{}) << "documented, and written by no run";
}

}  // namespace
}  // namespace itm::testing
