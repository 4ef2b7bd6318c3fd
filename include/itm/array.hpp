#pragma once
// A two-dimensional array as it lies in a file: any dtype, byte order and storage order, memory-mapped where the
// format allows. Readers (src/io) make them, the engine gathers rows out of them without a standardised copy.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace itm {

/// Element types that the readers accept.
enum class DType : std::uint8_t { f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

/// Bytes of one element.
[[nodiscard]] std::size_t size_of(DType type) noexcept;
/// "float32", "int64", ...
[[nodiscard]] std::string_view name_of(DType type) noexcept;
/// Whether it is f16, bf16, f32 or f64.
[[nodiscard]] bool is_floating(DType type) noexcept;

/// A read-only array of one or two dimensions over bytes that somebody keeps alive (`owner`).
/// Element (i, j) lies at data + (i * row_stride + j * col_stride) bytes.
class Array {
 public:
  Array() = default;
  /// `data` has `shape` elements, row-major or (fortran_order) column-major. `source` stands for it in sentences.
  Array(std::filesystem::path source, DType type, bool big_endian, std::vector<std::size_t> shape, bool fortran_order,
        const std::byte* data, std::shared_ptr<const void> owner);
  /// Rows of contiguous numbers that begin `row_stride` bytes apart and belong to the caller.
  [[nodiscard]] static Array with_row_stride(std::filesystem::path source, DType type, bool big_endian,
                                             std::vector<std::size_t> shape, const std::byte* data,
                                             std::ptrdiff_t row_stride);
  /// The same array under another name, for sentences.
  [[nodiscard]] Array renamed(std::filesystem::path source) const;
  /// The same array, whose numbers lie in the memory of a GPU too: rows() x cols() elements, row after row, that the
  /// caller keeps and does not change. An engine on that GPU reads them there and uploads nothing; all else reads
  /// data().
  [[nodiscard]] Array with_device_copy(const void* on_device) const;
  /// The same bytes as text: a row is a string, padded with zeros, of Latin-1 bytes (u8) or code points (u32).
  [[nodiscard]] Array as_text() const;

  /// Its name: the file, or what the caller named it.
  [[nodiscard]] const std::filesystem::path& source() const noexcept { return source_; }
  /// Of its elements.
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  /// Of its elements in memory; others are swapped as they are read.
  [[nodiscard]] bool big_endian() const noexcept { return big_endian_; }
  /// One or two lengths.
  [[nodiscard]] const std::vector<std::size_t>& shape() const noexcept { return shape_; }
  /// N.
  [[nodiscard]] std::size_t rows() const noexcept { return shape_.empty() ? 0 : shape_[0]; }
  /// D; 1 where there is one dimension.
  [[nodiscard]] std::size_t cols() const noexcept { return shape_.size() < 2 ? 1 : shape_[1]; }
  /// Of elements.
  [[nodiscard]] std::size_t size() const noexcept { return rows() * cols(); }
  /// Of all elements.
  [[nodiscard]] std::size_t bytes() const noexcept { return size() * size_of(dtype_); }
  /// Of element (0, 0).
  [[nodiscard]] const std::byte* data() const noexcept { return data_; }
  /// Bytes from an element to the next of its column.
  [[nodiscard]] std::ptrdiff_t row_stride() const noexcept { return row_stride_; }
  /// Bytes from an element to the next of its row.
  [[nodiscard]] std::ptrdiff_t col_stride() const noexcept { return col_stride_; }
  /// Of element (0, 0) in the memory of a GPU; null: the numbers are on the host alone.
  [[nodiscard]] const void* device_copy() const noexcept { return device_copy_; }
  /// Rows are strings: labels by name. read_array() refuses such an array.
  [[nodiscard]] bool is_text() const noexcept { return is_text_; }
  /// True when a row is contiguous and in the machine's byte order, so that the engine can gather from it directly.
  [[nodiscard]] bool is_native_row_major() const noexcept;

  /// The same values in native row-major order; itself where that already holds. Frees mapped pages on the way.
  [[nodiscard]] Array to_native_row_major() const;

  /// Row i as T (float or double), written to out[0, cols()).
  template <typename T>
  void read_row(std::size_t i, std::span<T> out) const;
  /// The whole array as doubles in row-major order.
  [[nodiscard]] std::vector<double> to_doubles() const;
  /// The whole array as integers. Throws InputError when a value is not integral.
  [[nodiscard]] std::vector<std::int64_t> to_integers() const;
  /// The rows of text in UTF-8. Throws InputError for a value that is no character.
  [[nodiscard]] std::vector<std::string> to_texts() const;

 private:
  std::filesystem::path source_;
  DType dtype_ = DType::f32;
  bool big_endian_ = false;
  bool is_text_ = false;
  std::vector<std::size_t> shape_;
  std::ptrdiff_t row_stride_ = 0;
  std::ptrdiff_t col_stride_ = 0;
  const std::byte* data_ = nullptr;
  const void* device_copy_ = nullptr;
  std::shared_ptr<const void> owner_;
};

/// Reads an array. `.npy` and `.safetensors` are memory-mapped, `.npz` members are unpacked into memory.
/// `key` names the member of an archive ("feature", "label", "output"); it is ignored for `.npy`.
/// Throws InputError that names the file, what is wrong and what to do.
[[nodiscard]] Array read_array(const std::filesystem::path& file, std::string_view key = "feature");

/// Rows of an array, from its header alone: nothing is unpacked or widened.
[[nodiscard]] std::size_t count_rows(const std::filesystem::path& file, std::string_view key = "feature");

/// The keys of an archive, sorted; for `.npy` an empty list.
[[nodiscard]] std::vector<std::string> array_keys(const std::filesystem::path& file);

/// Writes a C-order little-endian version-1.0 `.npy` file; the file appears only when it is complete.
template <typename T>
void write_npy(const std::filesystem::path& file, std::span<const T> values, std::span<const std::size_t> shape);

}  // namespace itm
