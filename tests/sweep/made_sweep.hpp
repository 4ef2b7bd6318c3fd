#pragma once
// A sweep that takes a second: 2 data sets x 4 methods x 3 seeds over three small models.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cli/run_itm.hpp"
#include "itm/error.hpp"
#include "itm/sweep.hpp"
#include "made_zoo.hpp"

namespace itm::testing {

using Json = nlohmann::json;

class MadeSweep {
 public:
  explicit MadeSweep(std::size_t iterations = 20) : iterations_(iterations) {
    std::filesystem::create_directory(folder_ / "zoo");
    write_small_zoo(folder_ / "zoo", "first");
    write_small_zoo(folder_ / "zoo", "second");
    write_text(folder_ / "truth.csv", "model,first,second\ngood,90,80\nfair,60,70\npoor,50,40\n");
    write_text(spec(), Json{{"schema", "itm.sweep/1"},
                            {"zoo", "zoo"},
                            {"truth", "truth.csv"},
                            {"methods", methods},
                            {"settings", {{"iterations", iterations_}, {"lead-iterations", 5}, {"seed", {0, 1, 2}}}}}
                           .dump());
  }

  [[nodiscard]] std::filesystem::path file(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::filesystem::path spec() const { return folder_ / "sweep.json"; }
  [[nodiscard]] SweepPlan plan() const { return plan_sweep(read_sweep_spec(spec())); }
  [[nodiscard]] std::vector<std::string> command(const std::string& journal) const {
    return {"sweep", spec().string(), "--journal", file(journal).string(), "--quiet"};
  }

  /// All four draw random numbers: 2 x 4 x 3 units.
  const std::vector<std::string> methods{"itm", "nleep", "lead", "linear_probe"};
  static constexpr std::size_t units = 24;

 private:
  TemporaryFolder folder_;
  std::size_t iterations_;
};

/// The complete lines of a file.
inline std::vector<std::string> lines_of(const std::filesystem::path& file) {
  const std::string text = text_of(file);
  std::vector<std::string> lines;
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    lines.push_back(text.substr(at, end - at));
  }
  return lines;
}

inline Json without_seconds(Json json) {
  if (json.is_object()) {
    json.erase("seconds");
    json.erase("xxh3");  // of a line with its seconds
  }
  if (json.is_structured()) {
    for (Json& child : json) {
      child = without_seconds(std::move(child));
    }
  }
  return json;
}

/// A journal apart from its timings; doubles compare bit by bit because they are written so that they read back.
inline std::vector<Json> contents_of(const std::filesystem::path& journal) {
  std::vector<Json> contents;
  for (const std::string& line : lines_of(journal)) {
    contents.push_back(without_seconds(Json::parse(line)));
  }
  return contents;
}

/// Whether the text holds the part; for EXPECT_PRED2, which shows both.
inline bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The sentence of the InputError that `call` throws.
template <typename Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "nothing was refused";
}

}  // namespace itm::testing
