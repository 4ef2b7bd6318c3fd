#include "request.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <charconv>
#include <system_error>

#include "itm/error.hpp"
#include "itm/sweep.hpp"

namespace nb = nanobind;

namespace itm::python {
namespace {

/// As the command line would be given it.
std::string number_text(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::string(text.data(), end) : std::to_string(value);
}

Backend backend_of(const std::string& word) {
  if (word == "auto" || word == "cpu" || word == "cuda") {
    return word == "auto" ? Backend::automatic : word == "cpu" ? Backend::cpu : Backend::cuda;
  }
  throw InputError("device: \"" + word + "\" is not one of auto|cpu|cuda");
}

}  // namespace

Request request_of(const nb::dict& asked) {
  Request request;
  request.methods = nb::cast<std::vector<std::string>>(asked["methods"]);
  request.settings = nb::cast<Settings>(asked["settings"]);
  request.seed = nb::cast<std::uint64_t>(asked["seed"]);
  request.threads = nb::cast<int>(asked["threads"]);
  request.device = nb::cast<std::string>(asked["device"]);
  request.keep_going = nb::cast<bool>(asked["keep_going"]);
  request.bootstrap = nb::cast<std::size_t>(asked["bootstrap"]);
  request.time_budget = nb::cast<std::optional<double>>(asked["time_budget"]);
  return request;
}

RankOptions options_of(const Request& request) {
  if (request.threads < 1 || request.threads > 1024) {
    throw InputError("threads: " + std::to_string(request.threads) + " is not a whole number from 1 to 1,024");
  }
  if (request.methods.empty()) {
    throw InputError("methods: names none; pass \"itm\", several names or \"all\"");
  }
  RankOptions options;
  options.method = MethodList(request.methods);
  for (const auto& [name, value] : request.settings) {
    apply_setting(options, name, value);
  }
  options.seed = request.seed;
  options.threads = request.threads;
  options.device = backend_of(request.device);
  options.keep_going = request.keep_going;
  return options;
}

Record record_of(const Request& request, const RankOptions& options) {
  Record record{"rank", ITM_VERSION, "", record_date(), request.seed, {}, {}};
  auto& all = record.options;
  all.emplace_back("--method", request.methods);
  const auto add = [&](const std::string& name, std::string value) {
    all.emplace_back(name, std::vector{std::move(value)});
  };
  add("--bootstrap", std::to_string(request.bootstrap));
  if (request.keep_going) {
    add("--keep-going", "true");
  }
  for (const auto& [name, value] : settings_in_effect(options)) {
    if (name == "drop-bad-rows") {
      if (value == "on") {
        add("--drop-bad-rows", "true");
      }
    } else if (name != "seed") {
      add("--" + name, value);
    }
  }
  if (request.time_budget) {
    add("--time-budget", number_text(*request.time_budget));
  }
  add("--backend", request.device);
  add("--seed", std::to_string(request.seed));
  add("--threads", std::to_string(request.threads));
  return record;
}

std::size_t limit_rows(const Zoo& zoo, const Request& request, RankOptions& options) {
  if (!request.time_budget) {
    return 0;
  }
  if (options.rows > 0) {
    throw InputError("time_budget chooses the rows; leave out rows, or the budget");
  }
  if (!(*request.time_budget >= 0.01 && *request.time_budget <= 1e7)) {
    throw InputError("time_budget: " + number_text(*request.time_budget) +
                     " is not a number of seconds from 0.01 to 1e7");
  }
  options.rows = rows_within(zoo, options, *request.time_budget);
  return options.rows;
}

}  // namespace itm::python
