// Any bytes as a .npz archive: every member, and the one that the program asks for.

#include <cstdint>

#include "io/npz.hpp"
#include "use_array.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  std::vector<std::string> keys{"feature"};
  try {
    for (std::string& key : itm::io::parse_npz_keys("fuzz.npz", bytes)) keys.push_back(std::move(key));
  } catch (const itm::InputError&) {
  }
  if (keys.size() > 8) keys.resize(8);  // an archive of a thousand empty members is slow and teaches nothing
  for (const std::string& key : keys) {
    try {
      itm::fuzz::use_array(itm::io::parse_npz("fuzz.npz", bytes, key));
    } catch (const itm::InputError&) {
    }
  }
  return 0;
}
