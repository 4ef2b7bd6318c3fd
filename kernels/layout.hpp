#pragma once
// Where arrays lie in one piece of device memory.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace itm {

/// Hands out arrays, each on its own 256 bytes: those that the host fills, those that begin as zeros, and others, in
/// this order. Without memory it only counts, and the addresses mean nothing.
class Layout {
 public:
  struct Sizes {
    std::size_t put = 0;
    std::size_t zeroed = 0;
    std::size_t taken = 0;
    [[nodiscard]] std::size_t total() const { return put + zeroed + taken; }
    bool operator==(const Sizes&) const = default;
  };

  Layout() = default;
  /// `sizes` is what a layout of the same arrays has counted; `image` has room for `sizes.put` bytes, which are to be
  /// copied to `memory` in the end.
  Layout(std::byte* memory, const Sizes& sizes, std::byte* image)
      : put_at_(memory), zeroed_at_(memory + sizes.put), taken_at_(zeroed_at_ + sizes.zeroed), image_(image) {}
  /// Of arrays that are only taken.
  explicit Layout(std::byte* memory) : Layout(memory, {}, nullptr) {}

  template <typename T>
  T* take(std::size_t count) {
    return next<T>(taken_at_, sizes_.taken, count);
  }
  template <typename T>
  T* zeroed(std::size_t count) {
    return next<T>(zeroed_at_, sizes_.zeroed, count);
  }
  /// A copy of the values; null where there are none.
  template <typename T>
  T* put(std::span<const T> values) {
    if (values.empty()) {
      return nullptr;
    }
    if (image_ != nullptr) {
      std::memcpy(image_ + sizes_.put, values.data(), values.size_bytes());
    }
    return next<T>(put_at_, sizes_.put, values.size());
  }
  template <typename T>
  T* put(const std::vector<T>& values) {
    return put(std::span<const T>(values));
  }
  [[nodiscard]] const Sizes& sizes() const { return sizes_; }

 private:
  template <typename T>
  static T* next(std::byte* base, std::size_t& used, std::size_t count) {
    const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(base) + used;
    used += (count * sizeof(T) + 255) / 256 * 256;
    return reinterpret_cast<T*>(at);
  }

  std::byte* put_at_ = nullptr;
  std::byte* zeroed_at_ = nullptr;
  std::byte* taken_at_ = nullptr;
  std::byte* image_ = nullptr;
  Sizes sizes_;
};

}  // namespace itm
