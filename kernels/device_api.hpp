#pragma once
// What the engine asks of a device besides launching kernels: memory, copies, matrix products, graphs, eigenvectors,
// sorting. The CUDA implementation (cuda_device_api.cu) is cuBLAS, cuSOLVER and CUB; the tests have one of plain loops,
// so that the whole pipeline runs without a device. No CUDA type appears here.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "itm/error.hpp"

namespace itm {

/// An allocation that the device has no room for: less work at once may do.
class OutOfDeviceMemory : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// C = op(A) op(B), or C += op(A) op(B): row-major; op(A) is m x k, op(B) k x n, C m x n; ld* = length of a stored row.
template <typename T>
struct Gemm {
  bool transpose_a = false;
  bool transpose_b = false;
  int m = 0;
  int n = 0;
  int k = 0;
  const T* a = nullptr;
  int lda = 0;
  const T* b = nullptr;
  int ldb = 0;
  bool accumulate = false;
  T* c = nullptr;
  int ldc = 0;

  [[nodiscard]] bool same_shape(const Gemm& other) const {
    return transpose_a == other.transpose_a && transpose_b == other.transpose_b && m == other.m && n == other.n &&
           k == other.k && lda == other.lda && ldb == other.ldb && ldc == other.ldc && accumulate == other.accumulate;
  }
  [[nodiscard]] double flops() const { return 2.0 * m * n * k; }
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

  [[nodiscard]] virtual std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<float>> products, bool tf32) = 0;
  [[nodiscard]] virtual std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<double>> products, bool tf32) = 0;
  /// Records what `work` launches; `work` must be free of synchronisation and is not run as such.
  [[nodiscard]] virtual std::unique_ptr<Graph> record(const std::function<void()>& work) = 0;

  /// Replaces the symmetric n x n matrix by its eigenvectors, one a row, by ascending eigenvalue, sign undetermined.
  virtual void eigenvectors(double* matrix, int n) = 0;

  // What follows is issued in order with the work and waits for nothing, except read(). Matrices are row-major and lie
  // on the device, and so does `info`, in which 0 means success.

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
  /// Lower triangle of S += alpha A^T A; A is rows x cols.
  virtual void add_gram(double alpha, const double* a, int rows, int cols, int lda, double* s, int lds) = 0;
  /// Lower triangle of S becomes L with S = L L^T.
  virtual void cholesky(double* s, int n, int ld, int* info) = 0;
  /// The same for `count` matrices n x n; the array of their addresses lies on the device too. One `info` each.
  virtual void cholesky_of_many(double* const* s, int n, int ld, int* info, int count) = 0;
  /// Every row b of B, rows x n, becomes L^-1 b, or L^-T b.
  virtual void solve_triangular(bool transposed, const double* l, int n, int ldl, double* b, int rows, int ldb) = 0;
  /// S, n x n without gaps, becomes its eigenvectors, one a row, by ascending eigenvalue. Reads the lower triangle.
  virtual void eigen(double* s, int n, double* values, int* info) = 0;
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

}  // namespace itm
