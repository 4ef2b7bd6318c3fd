#pragma once
// Options that refuse a bad value in one sentence: CLI11 reads "010" as 8 and says "Could not convert" to "ten".

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/text.hpp"

namespace itm::cli {

namespace detail {

[[noreturn]] inline void refuse(const std::string& option, const std::string& value, const std::string& wanted) {
  throw CLI::ValidationError(option, fmt::format("{} is not {}", in_quotes(value), wanted));
}

/// A bound as a person writes it: 1,000,000 and 0.5.
template <typename T>
std::string bound(T value) {
  if constexpr (std::is_integral_v<T>) {
    return with_commas(static_cast<std::uint64_t>(value));
  } else {
    return fmt::format("{}", value);
  }
}

/// "a whole number from 1 to 1,024", "a number of at least 0".
template <typename T>
std::string wanted(T low, T high) {
  const std::string kind = std::is_integral_v<T> ? "a whole number" : "a number";
  return high == std::numeric_limits<T>::max() ? fmt::format("{} of at least {}", kind, bound(low))
                                               : fmt::format("{} from {} to {}", kind, bound(low), bound(high));
}

template <typename T>
T parse(const std::string& option, const std::string& text, T low, T high) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error != std::errc{} || !(value >= low && value <= high)) {
    refuse(option, text, wanted(low, high));
  }
  return value;
}

}  // namespace detail

/// A number in [low, high]. `target` holds the default, which the help shows.
template <typename T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& target, T low, T high, const std::string& help) {
  auto* option = app.add_option(
      name,
      [&target, name, low, high](const CLI::results_t& texts) {
        target = detail::parse<T>(name, texts.at(0), low, high);
        return true;
      },
      help);
  return option->type_name("N")->default_str(fmt::format("{}", target));
}

/// A number in [low, high] that may be absent.
template <typename T>
CLI::Option* add_number(CLI::App& app, const std::string& name, std::optional<T>& target, T low, T high,
                        const std::string& help) {
  auto* option = app.add_option(
      name,
      [&target, name, low, high](const CLI::results_t& texts) {
        target = detail::parse<T>(name, texts.at(0), low, high);
        return true;
      },
      help);
  return option->type_name("N");
}

/// A number above 0. Learning rates and the like have no smallest value to name.
template <typename Target>
CLI::Option* add_positive(CLI::App& app, const std::string& name, Target& target, const std::string& help) {
  auto* option = app.add_option(
      name,
      [&target, name](const CLI::results_t& texts) {
        double value = 0;
        const std::string& text = texts.at(0);
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        if (stop != end || error != std::errc{} || !std::isfinite(value) || value <= 0) {
          detail::refuse(name, text, "a number above 0");
        }
        target = value;
        return true;
      },
      help);
  return option->type_name("N");
}

/// One of a few words. `target` holds the default, which the help shows.
template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, T& target,
                        const std::vector<std::pair<std::string, T>>& choices, const std::string& help) {
  std::string words;
  std::string current;
  for (const auto& [word, value] : choices) {
    words += (words.empty() ? "" : "|") + word;
    current = value == target ? word : current;
  }
  auto* option = app.add_option(
      name,
      [&target, name, choices, words](const CLI::results_t& texts) {
        for (const auto& [word, value] : choices) {
          if (word == texts.at(0)) {
            target = value;
            return true;
          }
        }
        detail::refuse(name, texts.at(0), "one of " + words);
      },
      help);
  return option->type_name(words)->default_str(current);
}

}  // namespace itm::cli
