#include "sweep/hash.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

#define XXH_INLINE_ALL  // no library to link
#include <xxhash.h>

#include "io/where.hpp"

namespace itm::sweep {
namespace {

std::string text_of(XXH128_hash_t hash) { return fmt::format("{:016x}{:016x}", hash.high64, hash.low64); }

}  // namespace

std::string hash_of(std::string_view text) { return text_of(XXH3_128bits(text.data(), text.size())); }

std::string hash_of_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const auto refuse = [&](int error) {
    throw InputError(fmt::format("{}: cannot be read ({}); check the path and its permissions", path_text(file),
                                 std::generic_category().message(error)));
  };
  if (fd < 0) {
    refuse(errno);
  }
  const std::unique_ptr<XXH3_state_t, void (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                     [](XXH3_state_t* s) { XXH3_freeState(s); });
  XXH3_128bits_reset(state.get());
  std::vector<char> buffer(std::size_t{1} << 20);
  ssize_t got = 0;
  while ((got = ::read(fd, buffer.data(), buffer.size())) != 0) {
    if (got < 0 && errno != EINTR) {
      const int error = errno;
      ::close(fd);
      refuse(error);
    }
    if (got > 0) {
      XXH3_128bits_update(state.get(), buffer.data(), static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  return text_of(XXH3_128bits_digest(state.get()));
}

}  // namespace itm::sweep
