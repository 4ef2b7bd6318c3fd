// Any text as trace.json, any bytes as its arrays, and what passes the checks through the engine.
//
// An input is one line of JSON, then arrays: a byte that chooses the name, one for the type, rows, columns (0: a list),
// and the elements.

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <span>

#include "check/replay.hpp"
#include "io/json.hpp"
#include "itm/error.hpp"

namespace {

constexpr const char* names[] = {
    "feature",       "label",        "train_index",      "val_index",        "batches",           "centres",
    "init_psi_w",    "init_psi_b",   "init_head_w",      "init_head_b",      "iter1_latent",      "iter1_recurrence",
    "iter1_evolved", "iter1_logits", "iter1_grad_psi_w", "iter1_grad_psi_b", "iter1_grad_head_w", "iter1_grad_head_b",
    "final_psi_w",   "final_psi_b",  "final_head_w",     "final_head_b"};
constexpr itm::DType types[] = {itm::DType::f64, itm::DType::f32, itm::DType::i64, itm::DType::u8, itm::DType::f16};

std::map<std::string, itm::Array> arrays_in(std::span<const std::uint8_t> bytes) {
  std::map<std::string, itm::Array> arrays;
  while (bytes.size() > 4) {
    const std::string name = names[bytes[0] % std::size(names)];
    const itm::DType type = types[bytes[1] % std::size(types)];
    std::vector<std::size_t> shape{bytes[2]};
    if (bytes[3] > 0) shape.push_back(bytes[3]);
    const std::size_t size = shape[0] * (shape.size() == 2 ? shape[1] : 1) * itm::size_of(type);
    bytes = bytes.subspan(4);
    if (size == 0 || size > bytes.size()) break;
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
    arrays[name] = itm::Array("fuzz/" + name + ".npy", type, false, shape, false, data, nullptr);
    bytes = bytes.subspan(size);
  }
  return arrays;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::string_view text = all.substr(0, all.find('\n'));
  try {
    const auto meta = itm::io::parse_json<nlohmann::json>({"fuzz/trace.json", {}}, text, "write the trace again");
    const auto arrays = arrays_in({data + std::min(size, text.size() + 1), data + size});
    const itm::Trace trace = itm::check_trace("fuzz", meta, [&](const std::string& name) {
      const auto found = arrays.find(name);
      return found == arrays.end() ? std::nullopt : std::optional(found->second);
    });
    const std::size_t work = trace.plan.iterations * trace.plan.batch * trace.steps;
    if (work > 20'000) return 0;  // a slow run teaches nothing
    (void)itm::replay_trace(trace, itm::Precision::float64, itm::Recurrence::gram);
    (void)itm::replay_trace(trace, itm::Precision::float32, itm::Recurrence::factored);
  } catch (const itm::InputError&) {
  }
  return 0;
}
