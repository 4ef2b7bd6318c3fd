#pragma once
// A recorded float64 autograd trace (layout: golden/itm_trace/*), every number of it checked against every other before
// anything is computed: the engine writes where labels and row numbers say.

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "itm/itm.hpp"

namespace itm {

struct Trace {
  Array feature;  ///< [N, D]
  ItmPlan plan;   ///< with the trace's labels [N], row numbers, batches [iterations, B] and centres [C, C]
  double eta = 0;
  std::size_t steps = 1;
  double learning_rate = 0;
  double weight_decay = 0;
  ItmParameters initial;
  std::optional<double> dispersion;
  std::vector<double> losses;     ///< one per iteration
  std::vector<Checkpoint> curve;  ///< iterations ascend
  /// What the engine is compared with, by name: iter1_latent [B, C], final_psi_w [C, D], ...
  std::vector<std::pair<std::string, std::vector<double>>> references;
};

/// Array `name` of a trace; nothing where it was not recorded.
using TraceArrays = std::function<std::optional<Array>(const std::string& name)>;

/// `meta` is what trace.json holds, `folder` serves messages. Throws InputError naming file, value and range.
[[nodiscard]] Trace check_trace(const std::filesystem::path& folder, const nlohmann::json& meta,
                                const TraceArrays& arrays);

/// trace.json and NAME.npy of a folder.
[[nodiscard]] Trace read_trace(const std::filesystem::path& folder);

}  // namespace itm
