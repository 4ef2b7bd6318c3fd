// Any text as the journal of a sweep of three units. What is read must be written again as it was.

#include <cstdint>
#include <cstdlib>

#include "itm/error.hpp"
#include "sweep/journal.hpp"

namespace {

itm::SweepPlan made_plan() {
  itm::SweepPlan plan;
  plan.hash = "00112233445566778899aabbccddeeff";
  for (std::size_t index = 0; index < 3; ++index) {
    itm::SweepUnit unit;
    unit.index = index;
    unit.dataset = "pets";
    unit.method = "itm";
    unit.settings = {{"seed", static_cast<double>(index)}};
    unit.key = R"({"dataset":"pets","method":"itm","settings":{"seed":)" + std::to_string(index) + "}}";
    plan.units.push_back(std::move(unit));
  }
  return plan;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const itm::SweepPlan plan = made_plan();
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    for (const itm::SweepRow& row : itm::sweep::parse_journal("fuzz.jsonl", plan, text)) {
      const std::string line = itm::to_journal_line(row);
      if (itm::to_journal_line(itm::read_journal_line(plan, line)) != line) std::abort();
    }
  } catch (const itm::InputError&) {
  }
  return 0;
}
