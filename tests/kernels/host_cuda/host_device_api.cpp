#include "host_cuda/host_device_api.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <numeric>
#include <span>

#include "host_cuda/host_cuda.hpp"
#include "itm/error.hpp"
#include "linalg/blas.hpp"
#include "linalg/lapack.hpp"

namespace itm::host_cuda {
namespace {

template <typename T>
class HostGemms final : public GemmGroup {
 public:
  HostGemms(std::vector<Gemm<T>> products, std::shared_ptr<HostFaults> faults)
      : products_(std::move(products)), faults_(std::move(faults)) {}

  void run() override {
    tell();
    if (counting_only()) {
      return;
    }
    for (const Gemm<T>& g : products_) {
      for (int i = 0; i < g.m; ++i) {
        for (int j = 0; j < g.n; ++j) {
          T sum = g.accumulate ? g.c[at(i, g.ldc) + j] : T{0};
          for (int k = 0; k < g.k; ++k) {
            const T a = g.transpose_a ? g.a[at(k, g.lda) + i] : g.a[at(i, g.lda) + k];
            const T b = g.transpose_b ? g.b[at(j, g.ldb) + k] : g.b[at(k, g.ldb) + j];
            sum += a * b;
          }
          g.c[at(i, g.ldc) + j] = sum;
        }
      }
      if (faults_->computes_wrongly) {
        g.c[0] += T(0.001);
      }
    }
  }

 private:
  static std::ptrdiff_t at(int row, int ld) { return static_cast<std::ptrdiff_t>(row) * ld; }

  /// As the library has it: a launch for every shape.
  void tell() const {
    if (watch() == nullptr || products_.empty()) {
      return;
    }
    std::vector<Gemm<T>> shapes;
    double flops = 0;
    double bytes = 0;
    for (const Gemm<T>& g : products_) {
      if (std::none_of(shapes.begin(), shapes.end(), [&](const Gemm<T>& shape) { return shape.same_shape(g); })) {
        shapes.push_back(g);
      }
      const double m = g.m;
      const double n = g.n;
      flops += g.flops();
      bytes += sizeof(T) * (m * g.k + n * g.k + m * n * (g.accumulate ? 2 : 1));
    }
    watch()->products(shapes.size(), flops, static_cast<std::size_t>(bytes));
  }

  std::vector<Gemm<T>> products_;
  std::shared_ptr<HostFaults> faults_;
};

class HostGraph final : public Graph {
 public:
  explicit HostGraph(std::function<void()> work) : work_(std::move(work)) {}
  void replay() override { work_(); }

 private:
  std::function<void()> work_;
};

class HostDeviceApi final : public DeviceApi {
 public:
  HostDeviceApi(std::size_t capacity, std::shared_ptr<HostFaults> faults)
      : capacity_(capacity), faults_(faults ? std::move(faults) : std::make_shared<HostFaults>()) {
    blas::prepare();
  }

  [[nodiscard]] std::string name() const override { return "host stand-in"; }
  [[nodiscard]] std::size_t free_bytes() const override {
    const std::lock_guard lock(guard_);
    return capacity_ - used_;
  }
  [[nodiscard]] void* stream() const override { return nullptr; }

  [[nodiscard]] void* allocate(std::size_t bytes) override {
    const std::lock_guard lock(guard_);
    if (bytes > capacity_ - used_ || ++faults_->allocations == faults_->fails_at) {
      throw OutOfDeviceMemory("host stand-in: " + std::to_string(bytes) + " bytes do not fit; this is a bug");
    }
    // Where nothing is computed nothing should be touched: zeros that the system has not even made.
    void* memory = counting_only() ? std::calloc(bytes, 1) : std::malloc(bytes);
    if (!counting_only()) {
      std::memset(memory, 0xFF, bytes);
    }
    used_ += bytes;
    sizes_[memory] = bytes;
    if (watch() != nullptr) {
      watch()->allocated(memory, bytes);
    }
    return memory;
  }
  void release(void* memory) noexcept override {
    const std::lock_guard lock(guard_);
    const auto found = sizes_.find(memory);
    used_ -= found->second;
    sizes_.erase(found);
    if (watch() != nullptr) {
      watch()->released(memory);
    }
    std::free(memory);
  }
  void zero(void* memory, std::size_t bytes) override {
    if (!counting_only()) {
      std::memset(memory, 0, bytes);
    }
  }
  void upload(void* to, const void* from, std::size_t bytes) override { std::memcpy(to, from, bytes); }
  void download(void* to, const void* from, std::size_t bytes) override { std::memcpy(to, from, bytes); }
  void synchronise() override {}

  void fill(void* to, std::size_t bytes, std::size_t unit,
            const std::function<void(std::byte*, std::size_t, std::size_t)>& write) override {
    if (counting_only()) {
      return;
    }
    const std::size_t chunk = std::max<std::size_t>(1, 1000 / unit) * unit;
    for (std::size_t offset = 0; offset < bytes; offset += chunk) {
      write(static_cast<std::byte*>(to) + offset, offset, std::min(chunk, bytes - offset));
    }
  }

  [[nodiscard]] std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<float>> products, bool) override {
    return std::make_unique<HostGemms<float>>(std::move(products), faults_);
  }
  [[nodiscard]] std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<double>> products, bool) override {
    return std::make_unique<HostGemms<double>>(std::move(products), faults_);
  }
  [[nodiscard]] std::unique_ptr<Graph> record(const std::function<void()>& work) override {
    if (faults_->refuses_recording) {
      throw DeviceError("host stand-in: nothing can be recorded");
    }
    return std::make_unique<HostGraph>(work);
  }

  void eigenvectors(double* matrix, int n) override {
    std::vector<double> values(static_cast<std::size_t>(n));
    int info = 0;
    eigen(matrix, n, values.data(), &info);
    if (info != 0) {
      throw DeviceError("host stand-in: no eigenvectors");
    }
  }

  [[nodiscard]] void* take(std::size_t bytes) override { return allocate(bytes); }
  void give_back(void* memory) noexcept override { release(memory); }
  void send(void* to, const void* from, std::size_t bytes) override {
    if (!counting_only()) {
      std::memcpy(to, from, bytes);
    }
  }
  void read(std::span<const Slice> slices) override {
    for (const Slice& slice : slices) {
      for (std::size_t i = 0; i < slice.height; ++i) {
        std::memcpy(static_cast<std::byte*>(slice.to) + i * slice.width,
                    static_cast<const std::byte*>(slice.from) + i * slice.pitch, slice.width);
      }
    }
  }

  void multiply(const Gemm<double>& product, double alpha, double beta) override { multiply_as(product, alpha, beta); }
  void multiply(const Gemm<float>& product, float alpha, float beta) override { multiply_as(product, alpha, beta); }
  void add_gram(double alpha, const double* a, int rows, int cols, int lda, double* s, int lds) override {
    count_launch(8 * (size(rows) * size(cols) + size(cols) * size(cols)));
    if (counting_only()) {
      return;
    }
    blas::add_gram_lower(size(cols), size(rows), alpha, a, size(lda), 1.0, s, size(lds));
  }
  void cholesky(double* s, int n, int ld, int* info) override {
    count_launch(8 * size(n) * size(n));
    if (counting_only()) {
      return;
    }
    *info = lapack::cholesky_lower(size(n), s, size(ld)) ? 0 : 1;
  }
  void cholesky_of_many(double* const* s, int n, int ld, int* info, int count) override {
    count_launch(8 * size(n) * size(n) * size(count));
    if (counting_only()) {
      return;
    }
    for (int i = 0; i < count; ++i) {
      info[i] = lapack::cholesky_lower(size(n), s[i], size(ld)) ? 0 : 1;
    }
  }
  void solve_triangular(bool transposed, const double* l, int n, int ldl, double* b, int rows, int ldb) override {
    count_launch(8 * (size(n) * size(n) + 2 * size(rows) * size(n)));
    if (counting_only()) {
      return;
    }
    if (!transposed) {
      lapack::whiten_rows_lower(size(rows), size(n), l, size(ldl), b, size(ldb));
      return;
    }
    for (std::size_t i = 0; i < size(rows); ++i) {
      double* x = b + i * size(ldb);
      for (std::size_t j = size(n); j-- > 0;) {
        x[j] /= l[j * size(ldl) + j];
        for (std::size_t p = 0; p < j; ++p) {
          x[p] -= l[j * size(ldl) + p] * x[j];
        }
      }
    }
  }
  void eigen(double* s, int n, double* values, int* info) override {
    count_launch(16 * size(n) * size(n));
    if (counting_only()) {
      return;
    }
    *info = lapack::symmetric_eigen_lower(size(n), s, size(n), values) ? 0 : 1;
  }
  void sort(double* keys, std::size_t count) override {
    count_launch(16 * count);
    if (counting_only()) {
      return;
    }
    std::sort(keys, keys + count);
  }
  void sort(std::uint32_t* keys, std::size_t count) override {
    count_launch(8 * count);
    if (counting_only()) {
      return;
    }
    std::sort(keys, keys + count);
  }
  void sort_by_key(std::uint64_t* keys, std::uint32_t* values, std::size_t count) override {
    count_launch(24 * count);
    if (counting_only()) {
      return;
    }
    std::vector<std::pair<std::uint64_t, std::uint32_t>> pairs(count);
    std::transform(keys, keys + count, values, pairs.begin(), [](auto key, auto value) {
      return std::pair<std::uint64_t, std::uint32_t>{key, value};
    });
    std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::transform(pairs.begin(), pairs.end(), keys, [](const auto& pair) { return pair.first; });
    std::transform(pairs.begin(), pairs.end(), values, [](const auto& pair) { return pair.second; });
  }
  [[nodiscard]] std::unique_ptr<DeviceApi> another() const override {
    return std::make_unique<HostDeviceApi>(capacity_, faults_);
  }

 private:
  static std::size_t size(int count) { return static_cast<std::size_t>(count); }

  template <typename T>
  void multiply_as(const Gemm<T>& g, T alpha, T beta) {
    count_launch(sizeof(T) *
                 (size(g.m) * size(g.k) + size(g.k) * size(g.n) + size(g.m) * size(g.n) * (beta == 0 ? 1U : 2U)));
    if (counting_only()) {
      return;
    }
    const auto op = [](bool transpose) { return transpose ? blas::Op::transpose : blas::Op::none; };
    blas::gemm(op(g.transpose_a), op(g.transpose_b), size(g.m), size(g.n), size(g.k), alpha, g.a, size(g.lda), g.b,
               size(g.ldb), beta, g.c, size(g.ldc));
  }

  mutable std::mutex guard_;
  std::map<void*, std::size_t> sizes_;
  std::size_t capacity_;
  std::shared_ptr<HostFaults> faults_;
  std::size_t used_ = 0;
};

}  // namespace

std::unique_ptr<DeviceApi> make_host_device_api(std::size_t capacity, std::shared_ptr<HostFaults> faults) {
  return std::make_unique<HostDeviceApi>(capacity, std::move(faults));
}

}  // namespace itm::host_cuda
