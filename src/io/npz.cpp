#include "io/npz.hpp"

#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#include "io/archive.hpp"
#include "io/input_file.hpp"
#include "io/npy.hpp"
#include "io/where.hpp"

namespace itm::io {

namespace {

namespace fs = std::filesystem;

struct CloseArchive {
  void operator()(zip_t* archive) const noexcept { zip_discard(archive); }
};
struct CloseMember {
  void operator()(zip_file_t* member) const noexcept { zip_fclose(member); }
};
using Archive = std::unique_ptr<zip_t, CloseArchive>;
using Member = std::unique_ptr<zip_file_t, CloseMember>;

struct FreeBytes {
  void operator()(void* bytes) const noexcept { std::free(bytes); }
};
using Bytes = std::unique_ptr<std::byte, FreeBytes>;

[[noreturn]] void refuse_archive(const Where& where, zip_error_t& error) {
  const std::string reason = printable(zip_error_strerror(&error));
  zip_error_fini(&error);
  refuse(where, "is not a readable .npz archive ({}); write it again with numpy.savez", reason);
}

Archive open_archive(const fs::path& file) {
  InputFile input(file);
  if (input.size() == 0) refuse({file, {}}, "is empty (0 bytes); write it again");
  const int descriptor = input.release();
  int code = 0;
  Archive archive(zip_fdopen(descriptor, 0, &code));  // closes the descriptor where it succeeds
  if (!archive) {
    ::close(descriptor);
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    refuse_archive({file, {}}, error);
  }
  return archive;
}

Archive open_archive(const fs::path& file, std::span<const std::byte> bytes) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source == nullptr) refuse_archive({file, {}}, error);
  Archive archive(zip_open_from_source(source, ZIP_RDONLY, &error));
  if (!archive) {
    zip_source_free(source);
    refuse_archive({file, {}}, error);
  }
  zip_error_fini(&error);
  return archive;
}

std::vector<std::string> keys_of(zip_t* archive) {
  constexpr std::string_view suffix = ".npy";
  std::vector<std::string> keys;
  const zip_int64_t count = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* name = zip_get_name(archive, static_cast<zip_uint64_t>(i), 0);
    if (name == nullptr) continue;
    std::string_view key = name;
    if (!key.ends_with(suffix)) continue;
    key.remove_suffix(suffix.size());
    keys.emplace_back(key);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

/// One member being unpacked.
class Reader {
 public:
  Reader(const Where& where, zip_t* archive, zip_uint64_t index) : where_(where) {
    member_.reset(zip_fopen_index(archive, index, 0));
    if (!member_) refuse(where_, "cannot be unpacked ({}); write the archive again", printable(zip_strerror(archive)));
  }

  /// Up to out.size() bytes; fewer only at the end of the member.
  std::size_t read(std::span<std::byte> out) {
    std::size_t filled = 0;
    while (filled < out.size()) {
      const zip_int64_t got = zip_fread(member_.get(), out.data() + filled, out.size() - filled);
      if (got < 0) {
        refuse(where_, "cannot be unpacked ({}); the archive is damaged, copy or write it again",
               printable(zip_error_strerror(zip_file_get_error(member_.get()))));
      }
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return filled;
  }

  /// `promised` bytes and not one more. The buffer doubles as bytes arrive, so that a false promise costs nothing.
  Bytes read_exactly(std::size_t promised) {
    std::size_t capacity = std::min(promised, std::size_t{1} << 20U);
    Bytes bytes(grow(nullptr, capacity));
    for (std::size_t used = 0;;) {
      used += read({bytes.get() + used, capacity - used});
      if (used < capacity) {
        refuse(where_, "is truncated: {} bytes of data, but its shape needs {}; write the archive again",
               with_commas(used), with_commas(promised));
      }
      if (used == promised) break;
      capacity = std::min(promised, 2 * capacity);
      bytes.reset(grow(bytes.release(), capacity));
    }
    std::byte beyond{};
    if (read({&beyond, 1}) != 0) {  // this last read also lets libzip compare the checksum
      refuse(where_, "unpacks to more than the {} bytes that its shape needs; write the archive again",
             with_commas(promised));
    }
    return bytes;
  }

 private:
  std::byte* grow(std::byte* bytes, std::size_t capacity) {
    void* grown = std::realloc(bytes, capacity);  // large blocks are remapped, not copied
    if (grown == nullptr) {
      std::free(bytes);
      throw std::bad_alloc();
    }
    return static_cast<std::byte*>(grown);
  }

  const Where& where_;
  Member member_;
};

/// A member up to its header; what follows is data.
struct OpenMember {
  Where where;
  zip_stat_t entry;
  Reader reader;
  NpyHeader header;

  OpenMember(const fs::path& file, zip_t* archive, std::string_view key)
      : where{file, std::string(key)},
        entry(find_entry(archive)),
        reader(where, archive, entry.index),
        header(read_header()) {}
  OpenMember(const OpenMember&) = delete;  // the reader refers to `where`
  OpenMember& operator=(const OpenMember&) = delete;

 private:
  [[nodiscard]] zip_stat_t find_entry(zip_t* archive) const {
    const zip_int64_t found = zip_name_locate(archive, (where.member + ".npy").c_str(), 0);
    if (found < 0) {
      refuse_missing_key({where.file, {}}, where.member, keys_of(archive), "numpy.savez(file, feature=..., label=...)");
    }
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_stat_index(archive, static_cast<zip_uint64_t>(found), 0, &stat) != 0) {
      refuse(where, "cannot be unpacked ({}); write the archive again", printable(zip_strerror(archive)));
    }
    if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE) {
      refuse(where, "is encrypted; write the archive again without a password");
    }
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
      refuse(where, "is compressed with method {}; write the archive again with numpy.savez", stat.comp_method);
    }
    // Deflate makes at most 1,032 bytes of one.
    constexpr std::uint64_t most = 1032;
    if (stat.comp_method == ZIP_CM_STORE ? stat.size > stat.comp_size : stat.size / most > stat.comp_size) {
      refuse(where, "claims to unpack to {} bytes, but has {} in the archive; write the archive again",
             with_commas(stat.size), with_commas(stat.comp_size));
    }
    stat.index = static_cast<zip_uint64_t>(found);
    return stat;
  }

  NpyHeader read_header() {
    std::vector<std::byte> start(npy_preamble_bytes);
    start.resize(reader.read(start));
    const std::size_t data_offset = npy_data_offset(where, start);  // at most 64 KiB
    if (data_offset > start.size()) {
      start.resize(data_offset);
      start.resize(npy_preamble_bytes + reader.read(std::span(start).subspan(npy_preamble_bytes)));
    }
    NpyHeader read = parse_npy_header(where, start);
    if (entry.size != read.data_offset + read.data_bytes) {
      refuse(where, "unpacks to {} bytes, but its shape needs {}; write the archive again", with_commas(entry.size),
             with_commas(read.data_offset + read.data_bytes));
    }
    return read;
  }
};

Array read_member(const fs::path& file, zip_t* archive, std::string_view key) {
  OpenMember member(file, archive, key);
  NpyHeader& header = member.header;
  const std::shared_ptr<const std::byte> data = member.reader.read_exactly(static_cast<std::size_t>(header.data_bytes));
  const Array array(file, header.dtype, header.big_endian, std::move(header.shape), header.fortran_order, data.get(),
                    data);
  return header.is_text ? array.as_text() : array;
}

}  // namespace

Array read_npz(const fs::path& file, std::string_view key) { return read_member(file, open_archive(file).get(), key); }

std::size_t npz_rows(const fs::path& file, std::string_view key) {
  const Archive archive = open_archive(file);
  return OpenMember(file, archive.get(), key).header.shape.front();
}

Array parse_npz(const fs::path& file, std::span<const std::byte> bytes, std::string_view key) {
  return read_member(file, open_archive(file, bytes).get(), key);
}

std::vector<std::string> npz_keys(const fs::path& file) { return keys_of(open_archive(file).get()); }

std::vector<std::string> parse_npz_keys(const fs::path& file, std::span<const std::byte> bytes) {
  return keys_of(open_archive(file, bytes).get());
}

}  // namespace itm::io
