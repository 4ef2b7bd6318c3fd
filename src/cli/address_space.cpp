// A limit on the address space (ulimit -v) against OpenBLAS, whose allocator tries again for ever where memory is
// refused. Its constructor starts a thread per core and takes a buffer for each, before main() and before any
// constructor of this program. What .preinit_array names runs earlier still, before those of all libraries, and so is
// the one place from which that can be prevented. The C library has not been set up then: nothing here may do more than
// read and make system calls.

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <string_view>

#include "itm/error.hpp"

namespace itm::cli {
namespace {

#if defined(__linux__) && !defined(ITM_SANITIZED)

constexpr std::size_t mebi = std::size_t{1} << 20U;
// Measured with OpenBLAS 0.3.21, which maps 128 MiB per thread: with one thread `itm --version` ran in 60 MiB of
// address space, with two it hung at 180 and ran at 190. A thread's stack and heap come on top.
constexpr std::size_t program = 96 * mebi;
constexpr std::size_t per_thread = 144 * mebi;

std::string_view value_of(char** environment, std::string_view name) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    if (entry.size() > name.size() && entry.substr(0, name.size()) == name && entry[name.size()] == '=') {
      return entry.substr(name.size() + 1);
    }
  }
  return {};
}

std::size_t number_in(std::string_view text) {
  std::size_t number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9' || number > 100'000) {
      return 0;
    }
    number = 10 * number + static_cast<std::size_t>(digit - '0');
  }
  return number;
}

/// Threads that the library starts when it is loaded.
std::size_t threads_at_load(char** environment) {
  for (const std::string_view name : {"OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"}) {
    if (const std::size_t wanted = number_in(value_of(environment, name)); wanted > 0) {
      return wanted;
    }
  }
  cpu_set_t cores;
  CPU_ZERO(&cores);
  return ::sched_getaffinity(0, sizeof cores, &cores) == 0 ? static_cast<std::size_t>(CPU_COUNT(&cores)) : 1;
}

/// One sentence, put together without the C library.
class Sentence {
 public:
  Sentence& operator<<(std::string_view part) {
    for (const char c : part) {
      if (size_ < sizeof text_) {
        text_[size_++] = c;
      }
    }
    return *this;
  }
  Sentence& operator<<(std::size_t number) {
    char digits[20];
    std::size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number > 0);
    while (count > 0) {
      *this << std::string_view(&digits[--count], 1);
    }
    return *this;
  }
  void write() const { (void)!::write(STDERR_FILENO, text_, size_); }

 private:
  char text_[512] = {};
  std::size_t size_ = 0;
};

void check_address_space(int /*argc*/, char** /*argv*/, char** environment) {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return;
  }
  const std::size_t threads = threads_at_load(environment);
  const std::size_t needed = program + (threads - 1) * per_thread;
  if (limit.rlim_cur >= needed) {
    return;
  }
  Sentence sentence;
  sentence << "itm: the address space is limited to " << limit.rlim_cur / mebi
           << " MiB (ulimit -v), but OpenBLAS needs " << needed / mebi << " MiB to start " << threads
           << (threads == 1 ? " thread" : " threads") << "; raise the limit"
           << (threads == 1 ? "\n" : ", or set OPENBLAS_NUM_THREADS=1\n");
  sentence.write();
  ::_exit(static_cast<int>(ExitStatus::no_device));
}

__attribute__((section(".preinit_array"), used)) void (*const check_first)(int, char**, char**) = check_address_space;

#endif

}  // namespace
}  // namespace itm::cli
