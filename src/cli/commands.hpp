#pragma once
// One line per command; each is defined in the file of its name.

#include "cli/command.hpp"

namespace itm::cli {

[[nodiscard]] Command rank_command();
[[nodiscard]] Command score_command();
[[nodiscard]] Command choose_command();
[[nodiscard]] Command evaluate_command();
[[nodiscard]] Command sweep_command();
[[nodiscard]] Command ablate_command();
[[nodiscard]] Command methods_command();
[[nodiscard]] Command correlate_command();
[[nodiscard]] Command compare_command();
[[nodiscard]] Command inspect_command();
[[nodiscard]] Command synth_command();
[[nodiscard]] Command replay_command();
[[nodiscard]] Command verify_command();
[[nodiscard]] Command bench_command();
[[nodiscard]] Command paper_command();
[[nodiscard]] Command evolve_command();
[[nodiscard]] Command completion_command();
[[nodiscard]] Command manual_command();

}  // namespace itm::cli
