// Any bytes as a .npy file.

#include <cstdint>

#include "io/npy.hpp"
#include "use_array.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    itm::fuzz::use_array(itm::io::parse_npy({"fuzz.npy", {}}, std::as_bytes(std::span(data, size)), nullptr));
  } catch (const itm::InputError&) {
  }
  return 0;
}
