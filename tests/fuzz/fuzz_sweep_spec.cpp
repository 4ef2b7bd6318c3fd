// Any text as the spec of a sweep, and every setting in it as one of a run.

#include <cstdint>

#include "itm/error.hpp"
#include "sweep/spec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const itm::SweepSpec spec = itm::sweep::parse_spec("folder/fuzz.json", {reinterpret_cast<const char*>(data), size});
    itm::RankOptions options;
    for (const auto& [name, values] : spec.settings) {
      for (const itm::SettingValue& value : values) itm::apply_setting(options, name, value);
    }
    options.itm.validate();
  } catch (const itm::InputError&) {
  }
  return 0;
}
