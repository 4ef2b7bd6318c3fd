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
      for (std::size_t i = 0; i < g.c.rows(); ++i) {
        T* c = g.c.row(i).data();
        for (std::size_t j = 0; j < g.c.cols(); ++j) {
          T sum = g.accumulate ? c[j] : T{0};
          for (std::size_t k = 0; k < g.depth(); ++k) {
            sum += entry(g.a, g.op_a, i, k) * entry(g.b, g.op_b, k, j);
          }
          c[j] = sum;
        }
      }
      if (faults_->computes_wrongly) {
        g.c.data()[0] += T(0.001);
      }
    }
  }

 private:
  /// op(m)_ij
  static T entry(BasicView<const T> m, Op op, std::size_t i, std::size_t j) {
    return op == Op::none ? m.data()[i * m.stride() + j] : m.data()[j * m.stride() + i];
  }

  /// As the library has it: a launch for every shape.
  void tell() const {
    if (watch() == nullptr || products_.empty()) {
      return;
    }
    std::vector<Gemm<T>> shapes;
    double flops = 0;
    std::size_t bytes = 0;
    for (const Gemm<T>& g : products_) {
      if (std::none_of(shapes.begin(), shapes.end(), [&](const Gemm<T>& shape) { return shape.same_shape(g); })) {
        shapes.push_back(g);
      }
      flops += g.flops();
      bytes += sizeof(T) * (g.a.size() + g.b.size() + g.c.size() * (g.accumulate ? 2 : 1));
    }
    watch()->products(shapes.size(), flops, bytes);
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

  [[nodiscard]] bool can_read(const void*) const override { return true; }
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
  void upload(void* to, const void* from, std::size_t bytes) override {
    ++faults_->uploads;
    std::memcpy(to, from, bytes);
  }
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

  [[nodiscard]] std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<float>> products, Precision, Layout&) override {
    return std::make_unique<HostGemms<float>>(std::move(products), faults_);
  }
  [[nodiscard]] std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<double>> products, Precision, Layout&) override {
    return std::make_unique<HostGemms<double>>(std::move(products), faults_);
  }
  [[nodiscard]] std::unique_ptr<Graph> record(const std::function<void()>& work) override {
    if (faults_->refuses_recording) {
      throw DeviceError("host stand-in: nothing can be recorded");
    }
    ++faults_->recordings;
    return std::make_unique<HostGraph>(work);
  }

  void eigenvectors(View matrix) override {
    std::vector<double> values(matrix.rows());
    int info = 0;
    eigen(matrix, values.data(), &info);
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
  void add_gram(double alpha, ConstView a, View s) override {
    count_launch(8 * (a.size() + s.size()));
    if (counting_only()) {
      return;
    }
    blas::add_gram_lower(a.cols(), a.rows(), alpha, a.data(), a.stride(), 1.0, s.data(), s.stride());
  }
  void cholesky(View s, int* info) override {
    count_launch(8 * s.size());
    if (counting_only()) {
      return;
    }
    *info = lapack::cholesky_lower(s.rows(), s.data(), s.stride()) ? 0 : 1;
  }
  void cholesky_of_many(double* const* s, std::size_t n, int* info, std::size_t count) override {
    count_launch(8 * n * n * count);
    if (counting_only()) {
      return;
    }
    for (std::size_t i = 0; i < count; ++i) {
      info[i] = lapack::cholesky_lower(n, s[i], n) ? 0 : 1;
    }
  }
  void solve_triangular(Op op, ConstView l, View b) override {
    const std::size_t n = b.cols();
    count_launch(8 * (n * n + 2 * b.size()));
    if (counting_only()) {
      return;
    }
    if (op == Op::none) {
      lapack::whiten_rows_lower(b.rows(), n, l.data(), l.stride(), b.data(), b.stride());
      return;
    }
    for (std::size_t i = 0; i < b.rows(); ++i) {
      double* x = b.row(i).data();
      for (std::size_t j = n; j-- > 0;) {
        const double* row = l.row(j).data();
        x[j] /= row[j];
        for (std::size_t p = 0; p < j; ++p) {
          x[p] -= row[p] * x[j];
        }
      }
    }
  }
  void eigen(View s, double* values, int* info) override {
    count_launch(16 * s.size());
    if (counting_only()) {
      return;
    }
    *info = lapack::symmetric_eigen_lower(s.rows(), s.data(), s.rows(), values) ? 0 : 1;
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
  template <typename T>
  void multiply_as(const Gemm<T>& g, T alpha, T beta) {
    count_launch(sizeof(T) * (g.a.size() + g.b.size() + g.c.size() * (beta == 0 ? 1U : 2U)));
    if (counting_only()) {
      return;
    }
    blas::gemm(g.op_a, g.op_b, g.c.rows(), g.c.cols(), g.depth(), alpha, g.a.data(), g.a.stride(), g.b.data(),
               g.b.stride(), beta, g.c.data(), g.c.stride());
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
