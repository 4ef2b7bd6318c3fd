#pragma once
// Where a reader is (a file, and the array inside it when the file is an archive), and how it refuses what it meets.

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "core/text.hpp"
#include "itm/error.hpp"

namespace itm::io {

struct Where {
  std::filesystem::path file;
  std::string member;  ///< key inside an archive; empty for a file that is one array

  /// "zoo/vgg_pets_feature.npy" or "zoo/vgg_pets.npz[feature]".
  [[nodiscard]] std::string text() const {
    return member.empty() ? path_text(file) : path_text(file) + "[" + printable(member) + "]";
  }
};

/// Throws InputError "<where>: <sentence>".
template <typename... Args>
[[noreturn]] void refuse(const Where& where, fmt::format_string<Args...> sentence, Args&&... args) {
  throw InputError(where.text() + ": " + fmt::format(sentence, std::forward<Args>(args)...));
}

/// What the system says of an errno.
[[nodiscard]] inline std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace itm::io
