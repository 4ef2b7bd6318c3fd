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
  add_number<int>(app, "--device", options.device, 0, 1023,
                  "Which GPU, by its number among those that CUDA_VISIBLE_DEVICES leaves")
      ->group(group);
  app.add_flag("!--no-self-check", options.self_check,
               "Do not compare the GPU with the CPU on a small made problem before the work")
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
