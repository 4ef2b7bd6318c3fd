#pragma once
// What the engine asks of a device besides launching kernels: memory, copies, matrix products, graphs, eigenvectors,
// sorting. The CUDA implementation (cuda_device_api.cu) is cuBLAS, cuSOLVER and CUB; the tests have one of plain loops,
// so that the whole pipeline runs without a device. Matrices are the views of itm/device.hpp. No CUDA type appears
// here.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "itm/arithmetic.hpp"
#include "itm/device.hpp"
#include "itm/error.hpp"
#include "kernels/layout.hpp"

namespace itm {

/// An allocation that the device has no room for: less work at once may do.
class OutOfDeviceMemory : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// C = op(A) op(B), or C += op(A) op(B); on the device.
template <typename T>
struct Gemm {
  BasicView<const T> a;
  BasicView<const T> b;
  BasicView<T> c;
  Op op_a = Op::none;
  Op op_b = Op::none;
  bool accumulate = false;

  /// Columns of op(A), which are rows of op(B).
  [[nodiscard]] std::size_t depth() const { return op_a == Op::none ? a.cols() : a.rows(); }
  [[nodiscard]] bool same_shape(const Gemm& other) const {
    const auto same = [](const auto& x, const auto& y) {
      return x.rows() == y.rows() && x.cols() == y.cols() && x.stride() == y.stride();
    };
    return op_a == other.op_a && op_b == other.op_b && accumulate == other.accumulate && same(a, other.a) &&
           same(b, other.b) && same(c, other.c);
  }
  [[nodiscard]] double flops() const { return 2.0 * static_cast<double>(c.size()) * static_cast<double>(depth()); }
};

/// The products of one operation for all models of a group, prepared once over fixed buffers.
class GemmGroup {
 public:
  virtual ~GemmGroup() = default;
  virtual void run() = 0;
};

/// Recorded work that is started as one.
class Graph {
 public:
  virtual ~Graph() = default;
  virtual void replay() = 0;
};

/// Work is issued in order on one stream; copies of features run beside it on another. All sizes in bytes. Throws
/// DeviceError. One thread at a time, except fill() and the memory queries.
class DeviceApi {
 public:
  virtual ~DeviceApi() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::size_t free_bytes() const = 0;
  /// The stream as the library of the implementation knows it.
  [[nodiscard]] virtual void* stream() const = 0;

  /// Whether it is memory of this device, so that kernels may read what others keep there.
  [[nodiscard]] virtual bool can_read(const void* memory) const = 0;
  [[nodiscard]] virtual void* allocate(std::size_t bytes) = 0;
  /// No pending work may use the memory: download() and synchronise() say when none does.
  virtual void release(void* memory) noexcept = 0;
  /// Ordered with the work.
  virtual void zero(void* memory, std::size_t bytes) = 0;
  /// Waits for all work before it and for itself.
  virtual void upload(void* to, const void* from, std::size_t bytes) = 0;
  /// Likewise.
  virtual void download(void* to, const void* from, std::size_t bytes) = 0;
  virtual void synchronise() = 0;

  /// Fills `bytes` of device memory through pinned staging: `write(at, offset, count)` puts the bytes [offset, offset +
  /// count) to `at` while earlier ones travel; several threads call it at once. Chunks are multiples of `unit` bytes.
  /// Work issued after it sees them.
  virtual void fill(void* to, std::size_t bytes, std::size_t unit,
                    const std::function<void(std::byte* at, std::size_t offset, std::size_t count)>& write) = 0;

  /// What the products need on the device they take from the layout; run() them only where that has addresses. tf32x3
  /// is float32 here: GroupedProducts has it.
  [[nodiscard]] virtual std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<float>> products, Precision precision,
                                                           Layout& layout) = 0;
  [[nodiscard]] virtual std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<double>> products, Precision precision,
                                                           Layout& layout) = 0;
  /// Records what `work` launches; `work` must be free of synchronisation and is not run as such.
  [[nodiscard]] virtual std::unique_ptr<Graph> record(const std::function<void()>& work) = 0;

  /// Replaces a symmetric matrix without gaps by its eigenvectors, one a row, by ascending eigenvalue, sign
  /// undetermined. Waits.
  virtual void eigenvectors(View matrix) = 0;

  // What follows is issued in order with the work and waits for nothing, except read(). Matrices lie on the device, and
  // so does `info`, in which 0 means success.

  /// Memory that work issued from now on may use, until give_back(): work issued before that may still run.
  [[nodiscard]] virtual void* take(std::size_t bytes) = 0;
  virtual void give_back(void* memory) noexcept = 0;
  /// Copies to the device; `from` may be changed at once.
  virtual void send(void* to, const void* from, std::size_t bytes) = 0;
  /// `height` rows of `width` bytes that begin `pitch` bytes apart, to be packed at `to` on the host.
  struct Slice {
    const void* from = nullptr;
    std::size_t pitch = 0;
    std::size_t width = 0;
    std::size_t height = 0;
    void* to = nullptr;
  };
  /// Waits for all work before it, once.
  virtual void read(std::span<const Slice> slices) = 0;

  /// C = alpha op(A) op(B) + beta C; `accumulate` is not looked at.
  virtual void multiply(const Gemm<double>& product, double alpha, double beta) = 0;
  virtual void multiply(const Gemm<float>& product, float alpha, float beta) = 0;
  /// Lower triangle of S += alpha A^T A.
  virtual void add_gram(double alpha, ConstView a, View s) = 0;
  /// Lower triangle of S becomes L with S = L L^T.
  virtual void cholesky(View s, int* info) = 0;
  /// The same for `count` matrices n x n without gaps; the array of their addresses lies on the device too. One `info`
  /// each.
  virtual void cholesky_of_many(double* const* s, std::size_t n, int* info, std::size_t count) = 0;
  /// Every row b of B becomes op(L)^-1 b.
  virtual void solve_triangular(Op op, ConstView l, View b) = 0;
  /// S, without gaps, becomes its eigenvectors, one a row, by ascending eigenvalue. Reads the lower triangle.
  virtual void eigen(View s, double* values, int* info) = 0;
  /// Ascending.
  virtual void sort(double* keys, std::size_t count) = 0;
  virtual void sort(std::uint32_t* keys, std::size_t count) = 0;
  /// Sorts `values` by `keys`, stable; both are overwritten.
  virtual void sort_by_key(std::uint64_t* keys, std::uint32_t* values, std::size_t count) = 0;

  /// Another order of work on the same device, with a stream, handles and workspace of its own.
  [[nodiscard]] virtual std::unique_ptr<DeviceApi> another() const = 0;

  /// Kernels and library calls issued so far, and the bytes of device memory that they read or wrote, at least.
  [[nodiscard]] std::uint64_t launches() const { return launches_; }
  [[nodiscard]] std::uint64_t moved() const { return moved_; }
  void count_launch(std::size_t bytes) {
    ++launches_;
    moved_ += bytes;
  }
  void count_moved(std::size_t bytes) { moved_ += bytes; }
  /// Multiplications and additions of matrix products issued so far.
  [[nodiscard]] double flops() const { return flops_; }
  void count_flops(double flops) { flops_ += flops; }

 private:
  std::uint64_t launches_ = 0;
  std::uint64_t moved_ = 0;
  double flops_ = 0;
};

/// Device memory of `size` elements. Move-only.
template <typename T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(DeviceApi& api, std::size_t size) : api_(&api), size_(size) {
    if (size > 0) {
      data_ = static_cast<T*>(api.allocate(size * sizeof(T)));
    }
  }
  DeviceBuffer(DeviceApi& api, const std::vector<T>& values) : DeviceBuffer(api, values.size()) {
    if (size_ > 0) {
      api.upload(data_, values.data(), size_ * sizeof(T));
    }
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    DeviceBuffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer() {
    if (data_ != nullptr) {
      api_->release(data_);
    }
  }

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  void zero() const {
    if (size_ > 0) {
      api_->zero(data_, size_ * sizeof(T));
    }
  }
  [[nodiscard]] std::vector<T> download() const {
    std::vector<T> values(size_);
    if (size_ > 0) {
      api_->download(values.data(), data_, size_ * sizeof(T));
    }
    return values;
  }

 private:
  void swap(DeviceBuffer& other) noexcept {
    std::swap(api_, other.api_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  DeviceApi* api_ = nullptr;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Many small arrays in one allocation. `lay_out(Layout&)` says what they are, twice: first to count, then with
/// addresses; what it takes must be the same both times. What it puts comes to the device in one upload.
class Arena {
 public:
  Arena() = default;
  template <typename LayOut>
  Arena(DeviceApi& api, const LayOut& lay_out) : api_(&api) {
    Layout counted;
    lay_out(counted);
    sizes_ = counted.sizes();
    memory_ = DeviceBuffer<std::byte>(api, sizes_.total());
    fill(lay_out);
  }

  /// The same arrays with other values.
  template <typename LayOut>
  void fill(const LayOut& lay_out) {
    std::vector<std::byte> image(sizes_.put);
    Layout placed(memory_.data(), sizes_, image.data());
    lay_out(placed);
    if (!(placed.sizes() == sizes_)) {
      throw std::logic_error("an arena was laid out in two ways");
    }
    if (!image.empty()) {
      api_->upload(memory_.data(), image.data(), image.size());
    }
    zero();
  }
  /// What began as zeros is zero again.
  void zero() {
    if (sizes_.zeroed > 0) {
      api_->zero(memory_.data() + sizes_.put, sizes_.zeroed);
    }
  }
  [[nodiscard]] std::size_t bytes() const { return sizes_.total(); }

 private:
  DeviceApi* api_ = nullptr;
  Layout::Sizes sizes_;
  DeviceBuffer<std::byte> memory_;
};

/// Products with an arena of their own.
template <typename T>
class LoneProducts {
 public:
  LoneProducts(DeviceApi& api, const std::vector<Gemm<T>>& products, Precision precision)
      : arena_(api, [&](Layout& layout) { group_ = api.prepare(products, precision, layout); }) {}
  void run() { group_->run(); }

 private:
  std::unique_ptr<GemmGroup> group_;
  Arena arena_;
};

}  // namespace itm
