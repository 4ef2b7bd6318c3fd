#include "sweep/hash.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

#define XXH_INLINE_ALL  // no library to link
#include <xxhash.h>

#include "io/input_file.hpp"
#include "io/where.hpp"

namespace itm::sweep {
namespace {

std::string text_of(XXH128_hash_t hash) { return fmt::format("{:016x}{:016x}", hash.high64, hash.low64); }

}  // namespace

std::string hash_of(std::string_view text) { return text_of(XXH3_128bits(text.data(), text.size())); }

std::string short_hash_of(std::string_view text) {
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

std::string hash_of_file(const std::filesystem::path& file) {
  const io::InputFile input(file);
  const std::unique_ptr<XXH3_state_t, void (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                     [](XXH3_state_t* s) { XXH3_freeState(s); });
  XXH3_128bits_reset(state.get());
  std::vector<char> buffer(std::size_t{1} << 20);
  ssize_t got = 0;
  while ((got = ::read(input.descriptor(), buffer.data(), buffer.size())) != 0) {
    if (got < 0 && errno == EINTR) {
      throw Interrupted();
    }
    if (got < 0) {
      throw InputError(fmt::format("{}: cannot be read ({}); check the disk", path_text(file),
                                   std::generic_category().message(errno)));
    }
    XXH3_128bits_update(state.get(), buffer.data(), static_cast<std::size_t>(got));
  }
  return text_of(XXH3_128bits_digest(state.get()));
}

}  // namespace itm::sweep
