#include "io/archive.hpp"

#include <algorithm>

namespace itm::io {

void refuse_missing_key(const Where& where, std::string_view key, const std::vector<std::string>& present,
                        std::string_view remedy) {
  constexpr std::size_t shown = 8;
  std::string list;
  for (std::size_t i = 0; i < std::min(shown, present.size()); ++i) {
    list += (i == 0 ? "" : ", ") + printable(present[i]);
  }
  if (present.size() > shown) list += fmt::format(" and {} more", with_commas(present.size() - shown));
  if (list.empty()) list = "nothing";
  refuse(where, "has no array {} (it holds {}); write it with {}", in_quotes(key), list, remedy);
}

}  // namespace itm::io
