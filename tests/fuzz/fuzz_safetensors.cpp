// Any bytes as a .safetensors file: every tensor, and the one that the program asks for.

#include <cstdint>

#include "io/safetensors.hpp"
#include "use_array.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  std::vector<std::string> keys{"feature"};
  try {
    for (std::string& key : itm::io::parse_safetensors_keys("fuzz.safetensors", bytes)) keys.push_back(std::move(key));
  } catch (const itm::InputError&) {
  }
  if (keys.size() > 8) keys.resize(8);
  for (const std::string& key : keys) {
    try {
      itm::fuzz::use_array(itm::io::parse_safetensors("fuzz.safetensors", bytes, nullptr, key));
    } catch (const itm::InputError&) {
    }
  }
  return 0;
}
