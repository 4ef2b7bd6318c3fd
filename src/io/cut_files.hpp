#pragma once
// Files that shrink while they are mapped. Touching a page beyond the new end raises SIGBUS; here that becomes a
// sentence. A handler that knows the mapped ranges puts zero pages over the rest of the mapping, notes that it was cut,
// and lets the reader go on. Whoever has used the bytes asks afterwards, so nothing computed from them is ever shown.
//
// The handler runs in the thread that touched the page, whose mapping therefore stays while it runs. It takes no lock
// and allocates nothing: it walks a list to which only whole entries are added and from which none is ever freed, and
// maps zeros by the plain system call. A fault that is no page of ours goes on to whoever had the signal
// before, or kills as ever.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "itm/error.hpp"

namespace itm::io {

/// Keeps watch over [data, data + size) while it lives.
class CutWatch {
 public:
  CutWatch(const std::filesystem::path& file, const std::byte* data, std::size_t size);
  ~CutWatch();
  CutWatch(const CutWatch&) = delete;
  CutWatch& operator=(const CutWatch&) = delete;

  struct Entry;

 private:
  Entry* entry_;
};

/// Cuts noticed so far, of mappings that are gone as well.
[[nodiscard]] std::uint64_t cuts_noticed() noexcept;

/// Throws InputError naming the file where one of `files` was cut after the first `since` cuts, or is mapped and was
/// cut before that.
void refuse_cut(const std::vector<std::filesystem::path>& files, std::uint64_t since);

/// Throws InputError where any file was cut that nobody was told of yet.
void refuse_any_cut();

/// Calls work(), which reads `files`; throws InputError where one of them was cut meanwhile, whatever else work() may
/// have found wrong with the zeros.
template <typename Work>
void read_whole(const std::vector<std::filesystem::path>& files, Work work) {
  const std::uint64_t since = cuts_noticed();
  try {
    work();
  } catch (const InputError&) {
    refuse_cut(files, since);
    throw;
  }
  refuse_cut(files, since);
}

}  // namespace itm::io
