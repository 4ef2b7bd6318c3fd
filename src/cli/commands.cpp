#include "cli/commands.hpp"

namespace itm::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> all{
      rank_command(),       //
      score_command(),      //
      choose_command(),     //
      evaluate_command(),   //
      sweep_command(),      //
      ablate_command(),     //
      methods_command(),    //
      correlate_command(),  //
      compare_command(),    //
      inspect_command(),    //
      synth_command(),      //
      replay_command(),     //
      verify_command(),     //
      bench_command(),      //
      paper_command(),      //
      evolve_command(),     //
      completion_command(), manual_command(),
  };
  return all;
}

}  // namespace itm::cli
