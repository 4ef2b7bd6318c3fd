#pragma once
// A sweep on several processes of one MPI job. The only part of itm that knows MPI; without it in the build, being
// started as one of several processes is refused in one sentence.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "itm/sweep.hpp"

namespace itm::cli {

/// The processes of this job; one, without MPI, when the program was started by itself.
class SweepJob {
 public:
  /// Starts MPI when mpirun or srun started this process. On a machine with GPUs, before any is opened, shows this
  /// process the one of its local rank (CUDA_VISIBLE_DEVICES). Throws InputError where the build has no MPI.
  SweepJob();
  ~SweepJob();
  SweepJob(const SweepJob&) = delete;
  SweepJob& operator=(const SweepJob&) = delete;

  [[nodiscard]] bool is_first() const { return rank_ == 0; }
  [[nodiscard]] std::size_t processes() const { return size_; }
  /// Processes of the job on this machine.
  [[nodiscard]] std::size_t local_processes() const { return local_size_; }

  /// What the first process says to all: calls `say` there, returns its text everywhere.
  [[nodiscard]] std::string agree(const std::function<std::string()>& say) const;
  /// run_sweep() on all processes; its report on the first, nothing on the others. The first hands out units one by
  /// one, scores some itself and alone writes the journal.
  [[nodiscard]] std::optional<SweepReport> run(const SweepPlan& plan, SweepOptions options) const;
  /// Ends every process of the job with this status, after the sentence. Returns where there is only this one.
  void abort(const std::string& sentence, int status) const;
  /// The job is done: nobody waits for this process any more.
  void finish();

 private:
  bool started_ = false;
  std::size_t rank_ = 0;
  std::size_t size_ = 1;
  std::size_t local_size_ = 1;
};

}  // namespace itm::cli
