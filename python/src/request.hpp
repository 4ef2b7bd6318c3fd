#pragma once
// What Python asks of a ranking, as the library takes it and as its record tells it.

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "itm/estimator.hpp"
#include "itm/record.hpp"
#include "itm/zoo.hpp"

namespace itm::python {

using Settings = std::vector<std::pair<std::string, SettingValue>>;

/// What a ranking is asked for, in the words of Python.
struct Request {
  std::vector<std::string> methods;
  Settings settings;
  std::uint64_t seed = 0;
  int threads = 1;
  std::string device;
  bool keep_going = false;
  std::size_t bootstrap = 0;
  std::optional<double> time_budget;  ///< seconds
};

/// From a dict with these keys.
[[nodiscard]] Request request_of(const nanobind::dict& asked);

/// Throws InputError for what no ranking takes.
[[nodiscard]] RankOptions options_of(const Request& request);

/// The record in the options of `itm rank`, which repeats it; those of the zoo are the caller's to add.
[[nodiscard]] Record record_of(const Request& request, const RankOptions& options);

/// Fewer rows where there is a time budget; returns how many, 0 for all. Throws InputError where it is too small.
std::size_t limit_rows(const Zoo& zoo, const Request& request, RankOptions& options);

}  // namespace itm::python
