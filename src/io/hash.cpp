#include "io/hash.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <system_error>
#include <vector>

#define XXH_INLINE_ALL  // no library to link
#include <xxhash.h>

#include "io/input_file.hpp"
#include "io/where.hpp"

namespace itm::io {
namespace {

std::string text_of(XXH128_hash_t hash) { return fmt::format("{:016x}{:016x}", hash.high64, hash.low64); }

/// The hash of pieces of a file.
class FileHash {
 public:
  FileHash(const std::filesystem::path& file, int descriptor) : file_(file), descriptor_(descriptor) {
    XXH3_128bits_reset(state_.get());
  }

  /// The bytes from `at` on, as many as there are of `count`.
  void add(std::uint64_t at, std::uint64_t count) {
    while (count > 0) {
      const ssize_t got =
          ::pread(descriptor_, buffer_.data(), std::min<std::uint64_t>(buffer_.size(), count), static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) {
        throw Interrupted();
      }
      if (got < 0) {
        throw InputError(fmt::format("{}: cannot be read ({}); check the disk", path_text(file_),
                                     std::generic_category().message(errno)));
      }
      if (got == 0) {
        return;
      }
      XXH3_128bits_update(state_.get(), buffer_.data(), static_cast<std::size_t>(got));
      at += static_cast<std::uint64_t>(got);
      count -= static_cast<std::uint64_t>(got);
    }
  }
  [[nodiscard]] std::string text() const { return text_of(XXH3_128bits_digest(state_.get())); }

 private:
  const std::filesystem::path& file_;
  int descriptor_;
  std::unique_ptr<XXH3_state_t, void (*)(XXH3_state_t*)> state_{XXH3_createState(),
                                                                [](XXH3_state_t* s) { XXH3_freeState(s); }};
  std::vector<char> buffer_ = std::vector<char>(std::size_t{1} << 20);
};

}  // namespace

std::string hash_of(std::string_view text) { return text_of(XXH3_128bits(text.data(), text.size())); }

std::string short_hash_of(std::string_view text) {
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

std::string hash_of_file(const std::filesystem::path& file) {
  const InputFile input(file);
  FileHash hash(file, input.descriptor());
  hash.add(0, std::numeric_limits<std::uint64_t>::max());
  return hash.text();
}

std::string hash_of_sample(const std::filesystem::path& file) {
  constexpr std::uint64_t small = std::uint64_t{16} << 20;
  constexpr std::uint64_t block = std::uint64_t{64} << 10;
  constexpr std::uint64_t blocks = 64;
  const InputFile input(file);
  FileHash hash(file, input.descriptor());
  const std::uint64_t size = input.size();
  if (size <= small) {
    hash.add(0, size);
    return hash.text();
  }
  for (std::uint64_t i = 0; i < blocks; ++i) {
    hash.add((size - block) / (blocks - 1) * i + (i + 1 == blocks ? (size - block) % (blocks - 1) : 0), block);
  }
  return hash_of(fmt::format("{} {}", size, hash.text()));
}

}  // namespace itm::io
