#include "host_cuda/host_device_api.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <numeric>

#include "itm/error.hpp"
#include "linalg/lapack.hpp"

namespace itm::host_cuda {
namespace {

template <typename T>
class HostGemms final : public GemmGroup {
 public:
  explicit HostGemms(std::vector<Gemm<T>> products) : products_(std::move(products)) {}

  void run() override {
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
    }
  }

 private:
  static std::ptrdiff_t at(int row, int ld) { return static_cast<std::ptrdiff_t>(row) * ld; }
  std::vector<Gemm<T>> products_;
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
  explicit HostDeviceApi(std::size_t capacity) : capacity_(capacity) {}

  [[nodiscard]] std::string name() const override { return "host stand-in"; }
  [[nodiscard]] std::size_t free_bytes() const override {
    const std::lock_guard lock(guard_);
    return capacity_ - used_;
  }
  [[nodiscard]] void* stream() const override { return nullptr; }

  [[nodiscard]] void* allocate(std::size_t bytes) override {
    const std::lock_guard lock(guard_);
    if (bytes > capacity_ - used_) {
      throw DeviceError("host stand-in: " + std::to_string(bytes) + " bytes do not fit; this is a bug");
    }
    void* memory = std::malloc(bytes);
    std::memset(memory, 0xFF, bytes);
    used_ += bytes;
    sizes_[memory] = bytes;
    return memory;
  }
  void release(void* memory) noexcept override {
    const std::lock_guard lock(guard_);
    const auto found = sizes_.find(memory);
    used_ -= found->second;
    sizes_.erase(found);
    std::free(memory);
  }
  void zero(void* memory, std::size_t bytes) override { std::memset(memory, 0, bytes); }
  void upload(void* to, const void* from, std::size_t bytes) override { std::memcpy(to, from, bytes); }
  void download(void* to, const void* from, std::size_t bytes) override { std::memcpy(to, from, bytes); }
  void synchronise() override {}

  void fill(void* to, std::size_t bytes, std::size_t unit,
            const std::function<void(std::byte*, std::size_t, std::size_t)>& write) override {
    const std::size_t chunk = std::max<std::size_t>(1, 1000 / unit) * unit;
    for (std::size_t offset = 0; offset < bytes; offset += chunk) {
      write(static_cast<std::byte*>(to) + offset, offset, std::min(chunk, bytes - offset));
    }
  }

  [[nodiscard]] std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<float>> products, bool) override {
    return std::make_unique<HostGemms<float>>(std::move(products));
  }
  [[nodiscard]] std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<double>> products, bool) override {
    return std::make_unique<HostGemms<double>>(std::move(products));
  }
  [[nodiscard]] std::unique_ptr<Graph> record(const std::function<void()>& work) override {
    return std::make_unique<HostGraph>(work);
  }

  void eigenvectors(double* matrix, int n) override {
    std::vector<double> values(static_cast<std::size_t>(n));
    if (!lapack::symmetric_eigen_lower(values.size(), matrix, values.size(), values.data())) {
      throw DeviceError("host stand-in: no eigenvectors");
    }
  }
  void sort_by_key(std::uint64_t* keys, std::uint32_t* values, std::size_t count) override {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> pairs(count);
    std::transform(keys, keys + count, values, pairs.begin(), [](auto key, auto value) {
      return std::pair<std::uint64_t, std::uint32_t>{key, value};
    });
    std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::transform(pairs.begin(), pairs.end(), keys, [](const auto& pair) { return pair.first; });
    std::transform(pairs.begin(), pairs.end(), values, [](const auto& pair) { return pair.second; });
  }

 private:
  mutable std::mutex guard_;
  std::map<void*, std::size_t> sizes_;
  std::size_t capacity_;
  std::size_t used_ = 0;
};

}  // namespace

std::unique_ptr<DeviceApi> make_host_device_api(std::size_t capacity) {
  return std::make_unique<HostDeviceApi>(capacity);
}

}  // namespace itm::host_cuda
