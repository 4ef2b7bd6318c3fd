#include "cli/mpi_sweep.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <exception>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <thread>

#include "cli/local_device.hpp"
#include "cli/say.hpp"
#include "itm/error.hpp"

#ifdef ITM_HAVE_MPI
#include <mpi.h>
#endif

namespace itm::cli {
namespace {

/// As mpirun of OpenMPI, mpiexec of MPICH and its kin, and srun with PMIx tell their processes.
bool is_one_of_a_job() {
  return std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr || std::getenv("PMI_SIZE") != nullptr ||
         (std::getenv("SLURM_PROCID") != nullptr && std::getenv("PMIX_RANK") != nullptr);
}

}  // namespace

#ifndef ITM_HAVE_MPI

SweepJob::SweepJob() {
  const char* size = std::getenv("OMPI_COMM_WORLD_SIZE");
  size = size != nullptr ? size : std::getenv("PMI_SIZE");
  if (is_one_of_a_job() && size != nullptr && std::string(size) != "1") {
    throw InputError(
        "this build of itm has no MPI, so several processes would do the same work; build with -DITM_MPI=ON or use "
        "--shard");
  }
}
SweepJob::~SweepJob() = default;
std::string SweepJob::agree(const std::function<std::string()>& say) const { return say(); }
std::optional<SweepReport> SweepJob::run(const SweepPlan& plan, SweepOptions options) const {
  return run_sweep(plan, options);
}
void SweepJob::abort(const std::string& /*sentence*/, int /*status*/) const {}
void SweepJob::finish() {}

#else

namespace {

constexpr int tag_done = 1;  ///< a worker's finished unit, or nothing when it just began; it wants another
constexpr int tag_unit = 2;  ///< the index of a unit, or -1: there is no more

/// Waiting costs no core: MPI's own waits spin, and would take the time of those that work.
void rest() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

std::size_t devices_here() {
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator at("/proc/driver/nvidia/gpus", error), end; !error && at != end;
       at.increment(error)) {
    ++count;
  }
  return count;
}

void choose_device(std::size_t local_rank) {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  const std::string device = local_device(local_rank, visible == nullptr ? "" : visible, devices_here());
  if (!device.empty()) {
    ::setenv("CUDA_VISIBLE_DEVICES", device.c_str(), 1);
  }
}

std::optional<MPI_Status> message_from(int source, int tag) {
  int there = 0;
  MPI_Status status;
  MPI_Iprobe(source, tag, MPI_COMM_WORLD, &there, &status);
  return there != 0 ? std::optional(status) : std::nullopt;
}

std::string receive_text(const MPI_Status& status) {
  int length = 0;
  MPI_Get_count(&status, MPI_CHAR, &length);
  std::string text(static_cast<std::size_t>(length), '\0');
  MPI_Recv(text.data(), length, MPI_CHAR, status.MPI_SOURCE, status.MPI_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return text;
}

void send_text(const std::string& text) {
  MPI_Send(text.data(), static_cast<int>(text.size()), MPI_CHAR, 0, tag_done, MPI_COMM_WORLD);
}

void send_unit(int worker, long long index) { MPI_Send(&index, 1, MPI_LONG_LONG, worker, tag_unit, MPI_COMM_WORLD); }

/// The units of the first process: whoever asks gets the next one in plan order, so that each process stays with a data
/// set for as long as it can. A thread of its own scores; MPI stays with the main thread.
class Dispatcher {
 public:
  Dispatcher(const SweepPlan& plan, const SweepOptions& options, std::size_t workers)
      : plan_(plan), options_(options), workers_(workers) {
    options_.workers = nullptr;
    options_.cancelled = [this, asked = options.cancelled] { return stop_ || (asked && asked()); };
  }

  void run(const std::vector<SweepUnit>& missing, const std::function<void(SweepRow)>& finished) {
    pending_.assign(missing.begin(), missing.end());
    std::size_t left = missing.size();
    std::jthread scorer([this] { score(); });
    try {
      while (left > 0 || workers_ > 0) {
        std::optional<SweepRow> row = take_scored();
        if (!row) {
          row = serve();
        }
        if (row) {
          finished(std::move(*row));
          --left;
        }
      }
    } catch (...) {
      stop_ = true;
      throw;
    }
  }

 private:
  std::optional<SweepUnit> next() {
    const std::lock_guard lock(guard_);
    if (pending_.empty()) {
      return std::nullopt;
    }
    SweepUnit unit = std::move(pending_.front());
    pending_.pop_front();
    return unit;
  }

  void score() {
    try {
      while (const std::optional<SweepUnit> unit = next()) {
        SweepRow row = score_unit(plan_, *unit, options_);
        const std::lock_guard lock(guard_);
        scored_.push_back(std::move(row));
      }
    } catch (...) {
      const std::lock_guard lock(guard_);
      failure_ = std::current_exception();
    }
  }

  std::optional<SweepRow> take_scored() {
    const std::lock_guard lock(guard_);
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    if (scored_.empty()) {
      return std::nullopt;
    }
    SweepRow row = std::move(scored_.front());
    scored_.pop_front();
    return row;
  }

  /// Answers one worker, if one waits.
  std::optional<SweepRow> serve() {
    if (options_.cancelled()) {
      throw Interrupted();
    }
    const std::optional<MPI_Status> message = message_from(MPI_ANY_SOURCE, tag_done);
    if (!message) {
      rest();
      return std::nullopt;
    }
    const std::string line = receive_text(*message);
    const std::optional<SweepUnit> unit = next();
    send_unit(message->MPI_SOURCE, unit ? static_cast<long long>(unit->index) : -1);
    workers_ -= unit ? 0 : 1;
    return line.empty() ? std::nullopt : std::optional(read_journal_line(plan_, line));
  }

  const SweepPlan& plan_;
  SweepOptions options_;
  std::size_t workers_;
  std::atomic<bool> stop_{false};
  std::mutex guard_;
  std::deque<SweepUnit> pending_;
  std::deque<SweepRow> scored_;
  std::exception_ptr failure_;
};

/// Every other process: asks, scores, hands back.
void work(const SweepPlan& plan, const SweepOptions& options) {
  std::string line;
  for (;;) {
    send_text(line);
    while (!message_from(0, tag_unit)) {
      if (options.cancelled && options.cancelled()) {
        throw Interrupted();
      }
      rest();
    }
    long long index = -1;
    MPI_Recv(&index, 1, MPI_LONG_LONG, 0, tag_unit, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (index < 0) {
      return;
    }
    line = to_journal_line(score_unit(plan, plan.units.at(static_cast<std::size_t>(index)), options));
  }
}

}  // namespace

SweepJob::SweepJob() {
  if (!is_one_of_a_job()) {
    return;
  }
  int given = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given);
  started_ = true;
  int rank = 0;
  int size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm local = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &local);
  int local_rank = 0;
  int local_size = 1;
  MPI_Comm_rank(local, &local_rank);
  MPI_Comm_size(local, &local_size);
  MPI_Comm_free(&local);
  rank_ = static_cast<std::size_t>(rank);
  size_ = static_cast<std::size_t>(size);
  local_size_ = static_cast<std::size_t>(local_size);
  choose_device(static_cast<std::size_t>(local_rank));
}

SweepJob::~SweepJob() { finish(); }

std::string SweepJob::agree(const std::function<std::string()>& say) const {
  if (size_ == 1) {
    return say();
  }
  std::string text = is_first() ? say() : std::string();
  auto length = static_cast<int>(text.size());
  MPI_Bcast(&length, 1, MPI_INT, 0, MPI_COMM_WORLD);
  text.resize(static_cast<std::size_t>(length));
  MPI_Bcast(text.data(), length, MPI_CHAR, 0, MPI_COMM_WORLD);
  return text;
}

std::optional<SweepReport> SweepJob::run(const SweepPlan& plan, SweepOptions options) const {
  if (!is_first()) {
    work(plan, options);
    return std::nullopt;
  }
  if (size_ > 1) {
    auto dispatcher = std::make_shared<Dispatcher>(plan, options, size_ - 1);
    options.workers = [dispatcher](const std::vector<SweepUnit>& missing,
                                   const std::function<void(SweepRow)>& finished) {
      dispatcher->run(missing, finished);
    };
  }
  return run_sweep(plan, options);
}

void SweepJob::abort(const std::string& sentence, int status) const {
  if (size_ > 1) {
    say(sentence);
    MPI_Abort(MPI_COMM_WORLD, status);
  }
}

void SweepJob::finish() {
  if (!started_) {
    return;
  }
  started_ = false;
  MPI_Request all = MPI_REQUEST_NULL;
  MPI_Ibarrier(MPI_COMM_WORLD, &all);
  for (int there = 0; there == 0;) {
    MPI_Test(&all, &there, MPI_STATUS_IGNORE);
    rest();
  }
  MPI_Finalize();
}

#endif

}  // namespace itm::cli
