#pragma once
// The options of the GPU, the same for every command that runs ITM.

#include <CLI/CLI.hpp>

#include "cli/options.hpp"
#include "itm/engine.hpp"

namespace itm::cli {

/// `options` must outlive the parsing.
inline void add_engine_options(CLI::App& app, EngineOptions& options) {
  const std::string group = "Options of the GPU";
  constexpr std::size_t mebibyte = std::size_t{1} << 20;
  app.add_option(
         "--memory-budget",
         [&options](const CLI::results_t& texts) {
           options.memory_budget =
               mebibyte * detail::parse<std::size_t>("--memory-budget", texts.at(0), 1, std::size_t{1} << 32);
           return true;
         },
         "MiB of device memory to use; default: nine tenths of what is free. Models beyond it follow in waves")
      ->type_name("N")
      ->group(group);
  add_choice<bool>(app, "--feature-storage", options.half_features, {{"lossless", false}, {"float16", true}},
                   "How features are kept on the device; float16 halves their memory and rounds to 11 bits")
      ->group(group);
}

/// What numbers come from, for reports and journals: two backends may differ in the last digits.
[[nodiscard]] inline std::string backend_name(bool on_device, const EngineOptions& options) {
  return !on_device ? "cpu" : options.half_features ? "cuda, float16 features" : "cuda";
}

}  // namespace itm::cli
