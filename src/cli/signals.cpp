#include "cli/signals.hpp"

#include <fcntl.h>
#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "cli/say.hpp"
#include "io/temporary.hpp"
#include "itm/error.hpp"

namespace itm::cli {
namespace {

std::atomic<bool> interrupted{false};
std::atomic<bool> end_at_once{false};
std::atomic<bool> in_background{false};
/// Who ends the process: nobody yet, the work, or the thread that watches.
enum class Ending : int { none, work, watch };
std::atomic<Ending> ending{Ending::none};
std::atomic<int> terminal{-1};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");
sem_t arrived;

constexpr long patience = 800'000'000;   ///< nanoseconds for the work to stop by itself
constexpr long one_press = 100'000'000;  ///< within these, `timeout` and closing terminals signal twice

struct LastSentence {
  std::mutex guard;
  std::string text = Interrupted().what();
};
/// Never destroyed: the thread that reads it may come after static destructors.
LastSentence& last_sentence() {
  static auto* const sentence = new LastSentence;
  return *sentence;
}

/// A terminal that hung up answers nothing, and what was known stands.
void look_where_we_run() noexcept {
  const pid_t foreground = ::tcgetpgrp(terminal);
  if (foreground > 0) {
    in_background = foreground != ::getpgrp();
  }
}

extern "C" void note_signal(int signal) {
  const int saved = errno;
  if (signal == SIGCONT) {  // the shell's bg and fg
    look_where_we_run();
  } else if (signal != SIGHUP || !in_background) {
    if (signal == SIGQUIT) {
      end_at_once = true;
    }
    interrupted = true;
    ::sem_post(&arrived);
  }
  errno = saved;
}

timespec after(timespec time, long nanoseconds) {
  time.tv_nsec += nanoseconds;
  time.tv_sec += time.tv_nsec / 1'000'000'000;
  time.tv_nsec %= 1'000'000'000;
  return time;
}

timespec now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time;
}

bool is_before(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

[[noreturn]] void end_process() {
  Ending nobody = Ending::none;
  if (!ending.compare_exchange_strong(nobody, Ending::watch)) {
    // The work is done, or says why not. A moment for that; nobody may be reading.
    ::usleep(patience / 1000);
    ::_exit(static_cast<int>(ExitStatus::interrupted));
  }
  io::remove_temporaries();
  {
    LastSentence& sentence = last_sentence();
    const std::lock_guard lock(sentence.guard);
    say(sentence.text);
  }
  ::_exit(static_cast<int>(ExitStatus::interrupted));
}

/// The thread that waits for signals.
void watch() {
  while (::sem_wait(&arrived) != 0) {
  }
  const timespec first = now();
  const timespec same_press = after(first, one_press);
  const timespec deadline = after(first, patience);
  while (!end_at_once) {
    if (::sem_clockwait(&arrived, CLOCK_MONOTONIC, &deadline) == 0) {
      if (!is_before(now(), same_press)) {
        break;
      }
    } else if (errno == ETIMEDOUT) {
      break;
    }
  }
  end_process();
}

bool start_watching() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread handles none itself
  bool started = true;
  try {
    std::thread(watch).detach();
  } catch (const std::system_error&) {  // no more threads: then work stops at its own points, and a second signal kills
    started = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

bool is_ignored(int signal) {
  struct sigaction previous {};
  return ::sigaction(signal, nullptr, &previous) == 0 && previous.sa_handler == SIG_IGN;
}

}  // namespace

void catch_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  (void)last_sentence();
  ::sem_init(&arrived, 0, 0);
  terminal = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  in_background = terminal < 0;
  look_where_we_run();
  const bool watched = start_watching();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGCONT}) {
    if (is_ignored(signal)) {
      continue;
    }
    struct sigaction action {};
    action.sa_handler = note_signal;
    sigfillset(&action.sa_mask);
    action.sa_flags = static_cast<int>(watched || signal == SIGCONT || signal == SIGHUP ? SA_RESTART : SA_RESETHAND);
    ::sigaction(signal, &action, nullptr);
  }
}

bool cancelled() noexcept { return interrupted; }

void say_when_interrupted(std::string sentence) {
  LastSentence& last = last_sentence();
  const std::lock_guard lock(last.guard);
  last.text = std::move(sentence);
}

void begin_last_words() noexcept {
  Ending nobody = Ending::none;
  if (!ending.compare_exchange_strong(nobody, Ending::work) && nobody == Ending::watch) {
    for (;;) {
      ::pause();
    }
  }
}

}  // namespace itm::cli
