// Any text as a results file.

#include <cstdint>

#include "itm/error.hpp"
#include "report/scores_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)itm::parse_scores_file({reinterpret_cast<const char*>(data), size}, "fuzz.json");
  } catch (const itm::InputError&) {
  }
  return 0;
}
