#include "itm/dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "core/text.hpp"
#include "itm/error.hpp"

namespace itm {
namespace {

constexpr bool is_big_endian = std::endian::native == std::endian::big;

Array view_of(const void* data, DType type, std::size_t rows, std::size_t cols, std::size_t row_stride) {
  if (row_stride != 0 && row_stride < cols) {
    throw InputError(
        fmt::format("a view of {} columns has rows {} numbers apart; the stride must be at least the columns",
                    with_commas(cols), with_commas(row_stride)));
  }
  const auto stride = static_cast<std::ptrdiff_t>((row_stride == 0 ? cols : row_stride) * size_of(type));
  return Array::with_row_stride("array", type, is_big_endian, {rows, cols}, static_cast<const std::byte*>(data),
                                stride);
}

/// The labels, or the split, in an array of its own.
template <typename T>
Array copy_of(std::span<const T> values, const std::string& name) {
  constexpr DType type = sizeof(T) == 1 ? DType::u8 : sizeof(T) == 4 ? DType::i32 : DType::i64;
  auto owner = std::make_shared<std::vector<T>>(values.begin(), values.end());
  const auto* data = reinterpret_cast<const std::byte*>(owner->data());
  return {name, type, is_big_endian, {values.size()}, false, data, std::move(owner)};
}

ArrayRef in_memory(const Array& array, const std::string& name) {
  ArrayRef ref;
  ref.file = name;
  ref.memory = array.renamed(name);
  return ref;
}

}  // namespace

Array view(const float* data, std::size_t rows, std::size_t cols, std::size_t row_stride) {
  return view_of(data, DType::f32, rows, cols, row_stride);
}
Array view(const double* data, std::size_t rows, std::size_t cols, std::size_t row_stride) {
  return view_of(data, DType::f64, rows, cols, row_stride);
}
Array view(const Half* data, std::size_t rows, std::size_t cols, std::size_t row_stride) {
  return view_of(data, DType::f16, rows, cols, row_stride);
}

Dataset::Dataset(std::string name, std::span<const std::int32_t> labels)
    : name_(std::move(name)), labels_(copy_of(labels, "labels of " + name_)) {}
Dataset::Dataset(std::string name, std::span<const std::int64_t> labels)
    : name_(std::move(name)), labels_(copy_of(labels, "labels of " + name_)) {}
Dataset::Dataset(std::string name, Array targets) : name_(std::move(name)), targets_(std::move(targets)) {}

void Dataset::set_split(std::span<const std::uint8_t> held_out) { split_ = copy_of(held_out, "split of " + name_); }

void Dataset::add(const std::string& model, const Array& features, const DatasetExtras& extras) {
  if (model.empty() ||
      std::any_of(entries_.begin(), entries_.end(), [&](const ZooEntry& entry) { return entry.model == model; })) {
    throw InputError(fmt::format("{}: a model needs a name of its own, {} is {}", printable(name_), in_quotes(model),
                                 model.empty() ? "none" : "there already"));
  }
  ZooEntry entry;
  entry.model = model;
  entry.dataset = name_;
  entry.feature = in_memory(features, model);
  if (labels_) {
    entry.label = in_memory(*labels_, "labels of " + name_);
  }
  if (targets_) {
    entry.target = in_memory(*targets_, "targets of " + name_);
  }
  if (split_) {
    entry.split = in_memory(*split_, "split of " + name_);
  }
  if (extras.output) {
    entry.output = in_memory(*extras.output, "source logits of " + model);
  }
  if (extras.source) {
    entry.source = in_memory(*extras.source, "source features of " + model);
  }
  entries_.push_back(std::move(entry));
}

Zoo Dataset::zoo() const {
  if (entries_.empty()) {
    throw InputError(printable(name_) + ": no model was added; there is nothing to rank");
  }
  return {name_, {{name_, entries_}}};
}

RankReport rank(const Dataset& dataset, const RankOptions& options) { return rank_zoo(dataset.zoo(), options); }

}  // namespace itm
