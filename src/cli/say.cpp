#include "cli/say.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

#include "core/text.hpp"
#include "itm/error.hpp"

namespace itm::cli {
namespace {

/// 0, or why not everything was written. A reader of a non-blocking descriptor gets `patience` milliseconds for each
/// piece; -1: as long as it takes.
int write_all(int descriptor, std::string_view text, int patience) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd room{descriptor, POLLOUT, 0};
      if (::poll(&room, 1, patience) == 0) {
        return EAGAIN;
      }
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

/// spdlog's own sinks write through stdio, which keeps and reports what went wrong before.
class SaySink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    say({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}
};

}  // namespace

void open_standard_descriptors() noexcept {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) {
      // open() takes the lowest that is free, which is this one.
      (void)::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
  }
}

void say(std::string_view sentence) noexcept {
  try {
    std::string line(sentence);
    std::replace(line.begin(), line.end(), '\n', ' ');  // whatever a library had to say fits on one line
    line = "itm: " + printable(line, std::numeric_limits<std::size_t>::max()) + '\n';
    draw(line);
  } catch (...) {
    draw("itm: out of memory; close other programs or use fewer --threads\n");
  }
}

void draw(std::string_view text) noexcept { (void)write_all(STDERR_FILENO, text, 1000); }

void write_to_stdout(std::string_view text) {
  if (const int error = write_all(STDOUT_FILENO, text, -1); error != 0) {
    throw InputError(fmt::format("standard output: cannot be written ({}); free space or pass --out FILE",
                                 std::generic_category().message(error)));
  }
}

void open_log(bool quiet, bool verbose) {
  auto logger = std::make_shared<spdlog::logger>("itm", std::make_shared<SaySink>());
  logger->set_level(quiet ? spdlog::level::err : verbose ? spdlog::level::debug : spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace itm::cli
