#include "kernels/cuda_device_api.hpp"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstring>
#include <cub/device/device_radix_sort.cuh>
#include <functional>
#include <future>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "kernels/check.hpp"
#include "kernels/cuda_libraries.hpp"

namespace itm::cuda {
namespace {

/// cuBLAS keeps its scratch in memory of ours, so that recorded products find it where it was.
constexpr std::size_t blas_workspace_bytes = std::size_t{16} << 20;
/// Groups of products with several shapes spread over this many streams.
constexpr std::size_t side_streams = 6;
constexpr std::size_t staging_bytes = std::size_t{16} << 20;
/// As many threads write into it.
constexpr std::size_t fill_threads = 8;
/// Small uploads go through so many buffers of this size.
constexpr std::size_t letter_bytes = std::size_t{1} << 20;
constexpr std::size_t letters = 4;

class Stream {
 public:
  Stream() { ITM_CUDA_TRY(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { (void)cudaStreamDestroy(stream_); }
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  Event() { ITM_CUDA_TRY(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { (void)cudaEventDestroy(event_); }
  operator cudaEvent_t() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

class Pinned {
 public:
  explicit Pinned(std::size_t bytes) { ITM_CUDA_TRY(cudaMallocHost(&memory_, bytes)); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  ~Pinned() { (void)cudaFreeHost(memory_); }
  [[nodiscard]] std::byte* data() const { return static_cast<std::byte*>(memory_); }

 private:
  void* memory_ = nullptr;
};

/// Staging buffer and the end of the last copy out of it.
struct Staging {
  explicit Staging(std::size_t bytes = staging_bytes) : buffer(bytes) {}
  Pinned buffer;
  Event copied;
};

class Blas {
 public:
  explicit Blas(cudaStream_t stream) {
    try {
      ITM_CUBLAS_TRY(cublas().create(&handle_));
      ITM_CUDA_TRY(cudaMalloc(&workspace_, blas_workspace_bytes));
      ITM_CUBLAS_TRY(cublas().set_stream(handle_, stream));
      ITM_CUBLAS_TRY(cublas().set_workspace(handle_, workspace_, blas_workspace_bytes));
    } catch (...) {
      release();
      throw;
    }
  }
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;
  ~Blas() { release(); }
  operator cublasHandle_t() const { return handle_; }

 private:
  void release() noexcept {
    if (handle_ != nullptr) {
      (void)cublas().destroy(handle_);
    }
    (void)cudaFree(workspace_);
  }

  cublasHandle_t handle_ = nullptr;
  void* workspace_ = nullptr;
};

/// A stream beside the main one with a cuBLAS handle and workspace of its own: cuBLAS repeats itself to the bit only
/// where streams share neither.
struct Side {
  Stream stream;
  Blas blas{stream};
  Event done;
};

/// The streams that products run on. Those beside the main one are made when a group of products needs them.
struct Lines {
  explicit Lines(cudaStream_t main_stream) : stream(main_stream), blas(main_stream) {}
  void add_sides() {
    while (sides.size() < side_streams) {
      sides.push_back(std::make_unique<Side>());
    }
  }
  cudaStream_t stream;
  Blas blas;
  Event ready;
  std::vector<std::unique_ptr<Side>> sides;
};

class Solver {
 public:
  explicit Solver(cudaStream_t stream) {
    ITM_CUSOLVER_TRY(cusolver().create(&handle_));
    ITM_CUSOLVER_TRY(cusolver().set_stream(handle_, stream));
  }
  Solver(const Solver&) = delete;
  Solver& operator=(const Solver&) = delete;
  ~Solver() { (void)cusolver().destroy(handle_); }
  operator cusolverDnHandle_t() const { return handle_; }

 private:
  cusolverDnHandle_t handle_ = nullptr;
};

template <typename T>
constexpr cudaDataType_t data_type = std::is_same_v<T, float> ? CUDA_R_32F : CUDA_R_64F;

template <typename T>
constexpr cublasComputeType_t compute_type(Precision precision) {
  return std::is_same_v<T, double>      ? CUBLAS_COMPUTE_64F_PEDANTIC
         : precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                        : CUBLAS_COMPUTE_32F_PEDANTIC;
}

constexpr cublasOperation_t operation(Op op) { return op == Op::transpose ? CUBLAS_OP_T : CUBLAS_OP_N; }

int whole(std::size_t size) { return static_cast<int>(size); }

/// Products with shared shapes next to each other, and their matrices as pointer arrays on the device. Row-major C = A
/// B is column-major C^T = B^T A^T: the operands change places.
template <typename T>
class CudaGemms final : public GemmGroup {
 public:
  CudaGemms(const Lines& lines, std::vector<Gemm<T>> products, Precision precision, Layout& layout)
      : lines_(lines), compute_(compute_type<T>(precision)) {
    std::vector<const T*> a;
    std::vector<const T*> b;
    std::vector<T*> c;
    while (!products.empty()) {
      const Gemm<T> shape = products.front();
      const auto rest = std::stable_partition(products.begin(), products.end(),
                                              [&](const Gemm<T>& other) { return other.same_shape(shape); });
      for (auto g = products.begin(); g != rest; ++g) {
        a.push_back(g->b.data());
        b.push_back(g->a.data());
        c.push_back(g->c.data());
      }
      shapes_.push_back(shape);
      counts_.push_back(static_cast<int>(rest - products.begin()));
      first_.push_back(a.size() - static_cast<std::size_t>(counts_.back()));
      products.erase(products.begin(), rest);
    }
    a_ = layout.put(a);
    b_ = layout.put(b);
    c_ = layout.put(c);
    for (const Gemm<T>& s : shapes_) {
      op_a_.push_back(operation(s.op_b));
      op_b_.push_back(operation(s.op_a));
      m_.push_back(whole(s.c.cols()));
      n_.push_back(whole(s.c.rows()));
      k_.push_back(whole(s.depth()));
      lda_.push_back(whole(s.b.stride()));
      ldb_.push_back(whole(s.a.stride()));
      ldc_.push_back(whole(s.c.stride()));
      alpha_.push_back(T{1});
      beta_.push_back(s.accumulate ? T{1} : T{0});
    }
  }

  void run() override {
    if (shapes_.empty()) {
      return;
    }
    // One shape after another would leave most of the device idle: small products of few models fill little of it.
    const std::size_t used = std::min(shapes_.size() - 1, lines_.sides.size());
    if (used > 0) {
      ITM_CUDA_TRY(cudaEventRecord(lines_.ready, lines_.stream));
    }
    for (std::size_t side = 0; side < used; ++side) {
      ITM_CUDA_TRY(cudaStreamWaitEvent(lines_.sides[side]->stream, lines_.ready, 0));
    }
    for (std::size_t i = 0; i < shapes_.size(); ++i) {
      const std::size_t line = i % (used + 1);
      run_bucket(line == 0 ? lines_.blas : lines_.sides[line - 1]->blas, i);
    }
    for (std::size_t side = 0; side < used; ++side) {
      ITM_CUDA_TRY(cudaEventRecord(lines_.sides[side]->done, lines_.sides[side]->stream));
      ITM_CUDA_TRY(cudaStreamWaitEvent(lines_.stream, lines_.sides[side]->done, 0));
    }
  }

 private:
  void run_bucket(cublasHandle_t blas, std::size_t i) {
    const std::size_t first = first_[i];
    ITM_CUBLAS_TRY(cublas().gemm_batched(blas, op_a_[i], op_b_[i], m_[i], n_[i], k_[i], &alpha_[i], untyped(a_ + first),
                                         data_type<T>, lda_[i], untyped(b_ + first), data_type<T>, ldb_[i], &beta_[i],
                                         untyped(c_ + first), data_type<T>, ldc_[i], counts_[i], compute_,
                                         CUBLAS_GEMM_DEFAULT));
  }

  static const void* const* untyped(const T* const* pointers) { return reinterpret_cast<const void* const*>(pointers); }
  static void* const* untyped(T* const* pointers) { return reinterpret_cast<void* const*>(pointers); }

  const Lines& lines_;
  cublasComputeType_t compute_;
  std::vector<Gemm<T>> shapes_;
  const T* const* a_ = nullptr;
  const T* const* b_ = nullptr;
  T* const* c_ = nullptr;
  // One entry per shape, column-major, as cuBLAS reads them.
  std::vector<int> counts_;
  std::vector<std::size_t> first_;  // in the pointer arrays
  std::vector<cublasOperation_t> op_a_;
  std::vector<cublasOperation_t> op_b_;
  std::vector<int> m_;
  std::vector<int> n_;
  std::vector<int> k_;
  std::vector<int> lda_;
  std::vector<int> ldb_;
  std::vector<int> ldc_;
  std::vector<T> alpha_;
  std::vector<T> beta_;
};

class CudaGraph final : public Graph {
 public:
  CudaGraph(cudaStream_t stream, const std::function<void()>& work) : stream_(stream) {
    ITM_CUDA_TRY(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    cudaGraph_t graph = nullptr;
    try {
      work();
    } catch (...) {
      (void)cudaStreamEndCapture(stream, &graph);
      (void)cudaGraphDestroy(graph);
      (void)cudaGetLastError();
      throw;
    }
    ITM_CUDA_TRY(cudaStreamEndCapture(stream, &graph));
    const cudaError_t status = cudaGraphInstantiate(&executable_, graph, 0);
    (void)cudaGraphDestroy(graph);
    ITM_CUDA_TRY(status);
  }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;
  ~CudaGraph() override { (void)cudaGraphExecDestroy(executable_); }
  void replay() override { ITM_CUDA_TRY(cudaGraphLaunch(executable_, stream_)); }

 private:
  cudaStream_t stream_;
  cudaGraphExec_t executable_ = nullptr;
};

/// write(at, offset, count), several threads a part each: one reads from memory at a fraction of what the bus takes.
void write_together(const std::function<void(std::byte*, std::size_t, std::size_t)>& write, std::byte* at,
                    std::size_t offset, std::size_t count, std::size_t unit) {
  const std::size_t threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, fill_threads);
  const std::size_t part = (count / unit + threads - 1) / threads * unit;
  std::vector<std::future<void>> others;
  for (std::size_t from = part; from < count; from += part) {
    others.push_back(std::async(std::launch::async, write, at + from, offset + from, std::min(part, count - from)));
  }
  write(at, offset, std::min(part, count));
  std::for_each(others.begin(), others.end(), [](std::future<void>& other) { other.get(); });
}

/// Every kernel is built for the same devices.
__global__ void probe_kernel() {}

class CudaDeviceApi final : public DeviceApi {
 public:
  explicit CudaDeviceApi(int device) : device_(device) {
    cudaDeviceProp properties{};
    ITM_CUDA_TRY(cudaGetDeviceProperties(&properties, device_));
    name_ = properties.name;
    // Freed memory stays with the process: the next wave wants it again.
    ITM_CUDA_TRY(cudaDeviceGetDefaultMemPool(&pool_, device_));
    std::uint64_t keep_all = std::numeric_limits<std::uint64_t>::max();
    ITM_CUDA_TRY(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep_all));
  }

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] std::size_t free_bytes() const override {
    on_device();
    std::size_t free = 0;
    std::size_t total = 0;
    ITM_CUDA_TRY(cudaMemGetInfo(&free, &total));
    // What the pool keeps for this process is free too.
    std::uint64_t reserved = 0;
    std::uint64_t used = 0;
    ITM_CUDA_TRY(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrReservedMemCurrent, &reserved));
    ITM_CUDA_TRY(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrUsedMemCurrent, &used));
    return free + static_cast<std::size_t>(reserved - used);
  }
  [[nodiscard]] void* stream() const override { return static_cast<cudaStream_t>(work_); }

  [[nodiscard]] bool can_read(const void* memory) const override {
    cudaPointerAttributes about{};
    if (cudaPointerGetAttributes(&about, memory) != cudaSuccess) {
      (void)cudaGetLastError();  // of an address that CUDA does not know
      return false;
    }
    return about.type == cudaMemoryTypeDevice && about.device == device_;
  }

  // Allocations have a stream of their own, which never waits for work and is never captured; the caller frees what no
  // pending work uses.
  [[nodiscard]] void* allocate(std::size_t bytes) override {
    on_device();
    void* memory = nullptr;
    ITM_CUDA_TRY(cudaMallocAsync(&memory, bytes, allocation_));
    ITM_CUDA_TRY(cudaStreamSynchronize(allocation_));
    return memory;
  }
  void release(void* memory) noexcept override {
    (void)cudaSetDevice(device_);
    (void)cudaFreeAsync(memory, allocation_);
  }
  void zero(void* memory, std::size_t bytes) override { ITM_CUDA_TRY(cudaMemsetAsync(memory, 0, bytes, work_)); }
  void upload(void* to, const void* from, std::size_t bytes) override {
    on_device();
    ITM_CUDA_TRY(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, work_));
    ITM_CUDA_TRY(cudaStreamSynchronize(work_));
  }
  void download(void* to, const void* from, std::size_t bytes) override {
    on_device();
    ITM_CUDA_TRY(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, work_));
    ITM_CUDA_TRY(cudaStreamSynchronize(work_));
  }
  void synchronise() override { ITM_CUDA_TRY(cudaStreamSynchronize(work_)); }

  void fill(void* to, std::size_t bytes, std::size_t unit,
            const std::function<void(std::byte*, std::size_t, std::size_t)>& write) override {
    on_device();
    const std::lock_guard lock(staging_guard_);
    if (staging_.empty()) {
      staging_.push_back(std::make_unique<Staging>());
      staging_.push_back(std::make_unique<Staging>());
    }
    if (unit > staging_bytes) {
      throw DeviceError("a row of " + std::to_string(unit) +
                        " bytes is longer than the staging buffer; pass --backend cpu");
    }
    const std::size_t chunk = staging_bytes / unit * unit;
    std::size_t turn = 0;
    for (std::size_t offset = 0; offset < bytes; offset += chunk, ++turn) {
      Staging& staging = *staging_[turn % staging_.size()];
      ITM_CUDA_TRY(cudaEventSynchronize(staging.copied));  // before its first use the event counts as reached
      const std::size_t count = std::min(chunk, bytes - offset);
      write_together(write, staging.buffer.data(), offset, count, unit);
      ITM_CUDA_TRY(cudaMemcpyAsync(static_cast<std::byte*>(to) + offset, staging.buffer.data(), count,
                                   cudaMemcpyHostToDevice, copy_));
      ITM_CUDA_TRY(cudaEventRecord(staging.copied, copy_));
    }
    // Waited for on the host: the work stream may be recording a graph for somebody else just now.
    ITM_CUDA_TRY(cudaStreamSynchronize(copy_));
  }

  [[nodiscard]] std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<float>> products, Precision precision,
                                                   Layout& layout) override {
    lines_.add_sides();
    return std::make_unique<CudaGemms<float>>(lines_, std::move(products), precision, layout);
  }
  [[nodiscard]] std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<double>> products, Precision precision,
                                                   Layout& layout) override {
    lines_.add_sides();
    return std::make_unique<CudaGemms<double>>(lines_, std::move(products), precision, layout);
  }
  [[nodiscard]] std::unique_ptr<Graph> record(const std::function<void()>& work) override {
    return std::make_unique<CudaGraph>(work_, work);
  }

  void eigenvectors(View matrix) override {
    const DeviceBuffer<double> values(*this, matrix.rows());
    const DeviceBuffer<int> info(*this, 1);
    eigen(matrix, values.data(), info.data());
    if (info.download().front() != 0) {
      throw DeviceError("cuSOLVER found no eigenvectors for " + std::to_string(matrix.rows()) +
                        " class centres; choose --centres onehot or --backend cpu");
    }
  }

  [[nodiscard]] void* take(std::size_t bytes) override {
    on_device();
    void* memory = nullptr;
    ITM_CUDA_TRY(cudaMallocAsync(&memory, bytes, work_));
    return memory;
  }
  void give_back(void* memory) noexcept override {
    (void)cudaSetDevice(device_);
    (void)cudaFreeAsync(memory, work_);
  }

  void send(void* to, const void* from, std::size_t bytes) override {
    on_device();
    while (letters_.size() < letters) {
      letters_.push_back(std::make_unique<Staging>(letter_bytes));
    }
    for (std::size_t offset = 0; offset < bytes; offset += letter_bytes) {
      Staging& letter = *letters_[next_letter_++ % letters_.size()];
      ITM_CUDA_TRY(cudaEventSynchronize(letter.copied));  // the copy out of it, issued `letters` copies ago
      const std::size_t count = std::min(letter_bytes, bytes - offset);
      std::memcpy(letter.buffer.data(), static_cast<const std::byte*>(from) + offset, count);
      ITM_CUDA_TRY(cudaMemcpyAsync(static_cast<std::byte*>(to) + offset, letter.buffer.data(), count,
                                   cudaMemcpyHostToDevice, work_));
      ITM_CUDA_TRY(cudaEventRecord(letter.copied, work_));
    }
  }

  void read(std::span<const Slice> slices) override {
    on_device();
    std::size_t bytes = 0;
    for (const Slice& slice : slices) {
      bytes += slice.width * slice.height;
    }
    // Copies into memory that is not pinned would wait one by one.
    if (bytes > inbox_bytes_) {
      inbox_bytes_ = std::max(bytes, letter_bytes);
      inbox_ = std::make_unique<Pinned>(inbox_bytes_);
    }
    std::byte* at = inbox_ ? inbox_->data() : nullptr;
    for (const Slice& slice : slices) {
      if (slice.width * slice.height > 0) {
        ITM_CUDA_TRY(cudaMemcpy2DAsync(at, slice.width, slice.from, slice.pitch, slice.width, slice.height,
                                       cudaMemcpyDeviceToHost, work_));
        at += slice.width * slice.height;
      }
    }
    ITM_CUDA_TRY(cudaStreamSynchronize(work_));
    at = inbox_ ? inbox_->data() : nullptr;
    for (const Slice& slice : slices) {
      if (slice.width * slice.height > 0) {
        std::memcpy(slice.to, at, slice.width * slice.height);
        at += slice.width * slice.height;
      }
    }
  }

  void multiply(const Gemm<double>& product, double alpha, double beta) override { multiply_as(product, alpha, beta); }
  void multiply(const Gemm<float>& product, float alpha, float beta) override { multiply_as(product, alpha, beta); }

  // Row-major lower triangles are column-major upper ones, and rows are columns.
  void add_gram(double alpha, ConstView a, View s) override {
    const double one = 1;
    ITM_CUBLAS_TRY(cublas().syrk(lines_.blas, CUBLAS_FILL_MODE_UPPER, CUBLAS_OP_N, whole(a.cols()), whole(a.rows()),
                                 &alpha, a.data(), whole(a.stride()), &one, s.data(), whole(s.stride())));
    count_launch(sizeof(double) * (a.size() + s.size()));
  }
  void cholesky(View s, int* info) override {
    const int n = whole(s.rows());
    const int ld = whole(s.stride());
    int size = 0;
    ITM_CUSOLVER_TRY(cusolver().potrf_size(solver(), CUBLAS_FILL_MODE_UPPER, n, s.data(), ld, &size));
    const Taken<double> work(*this, static_cast<std::size_t>(size));
    ITM_CUSOLVER_TRY(cusolver().potrf(solver(), CUBLAS_FILL_MODE_UPPER, n, s.data(), ld, work.data(), size, info));
    count_launch(sizeof(double) * s.size());
  }
  void cholesky_of_many(double* const* s, std::size_t n, int* info, std::size_t count) override {
    ITM_CUSOLVER_TRY(cusolver().potrf_batched(solver(), CUBLAS_FILL_MODE_UPPER, whole(n), const_cast<double**>(s),
                                              whole(n), info, whole(count)));
    count_launch(sizeof(double) * n * n * count);
  }
  void solve_triangular(Op op, ConstView l, View b) override {
    const double one = 1;
    const cublasOperation_t other = op == Op::transpose ? CUBLAS_OP_N : CUBLAS_OP_T;
    ITM_CUBLAS_TRY(cublas().trsm(lines_.blas, CUBLAS_SIDE_LEFT, CUBLAS_FILL_MODE_UPPER, other, CUBLAS_DIAG_NON_UNIT,
                                 whole(b.cols()), whole(b.rows()), &one, l.data(), whole(l.stride()), b.data(),
                                 whole(b.stride())));
    count_launch(sizeof(double) * (b.cols() * b.cols() + 2 * b.size()));
  }
  void eigen(View s, double* values, int* info) override {
    const int n = whole(s.rows());
    int size = 0;
    ITM_CUSOLVER_TRY(cusolver().syevd_size(solver(), CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, n, s.data(), n,
                                           values, &size));
    const Taken<double> work(*this, static_cast<std::size_t>(size));
    // Column k of the column-major result is eigenvector k, which row-major reads as row k.
    ITM_CUSOLVER_TRY(cusolver().syevd(solver(), CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, n, s.data(), n,
                                      values, work.data(), size, info));
    count_launch(2 * sizeof(double) * s.size());
  }

  void sort(double* keys, std::size_t count) override { sort_keys(keys, count); }
  void sort(std::uint32_t* keys, std::size_t count) override { sort_keys(keys, count); }
  void sort_by_key(std::uint64_t* keys, std::uint32_t* values, std::size_t count) override {
    const Taken<std::uint64_t> other_keys(*this, count);
    const Taken<std::uint32_t> other_values(*this, count);
    cub::DoubleBuffer<std::uint64_t> key_pair(keys, other_keys.data());
    cub::DoubleBuffer<std::uint32_t> value_pair(values, other_values.data());
    std::size_t bytes = 0;
    ITM_CUDA_TRY(cub::DeviceRadixSort::SortPairs(nullptr, bytes, key_pair, value_pair, count, 0, 64, work_));
    const Taken<std::byte> work(*this, bytes);
    ITM_CUDA_TRY(cub::DeviceRadixSort::SortPairs(work.data(), bytes, key_pair, value_pair, count, 0, 64, work_));
    put_back(value_pair, values, count);
    put_back(key_pair, keys, count);
    count_launch(2 * count * (sizeof *keys + sizeof *values));
  }

  [[nodiscard]] std::unique_ptr<DeviceApi> another() const override {
    on_device();
    return std::make_unique<CudaDeviceApi>(device_);
  }

 private:
  /// Threads of the pool start on device 0, whatever this engine is on.
  void on_device() const { ITM_CUDA_TRY(cudaSetDevice(device_)); }

  /// Memory ordered with the work, for the length of a call.
  template <typename T>
  class Taken {
   public:
    Taken(CudaDeviceApi& api, std::size_t size)
        : api_(api), data_(static_cast<T*>(api.take(std::max<std::size_t>(size, 1) * sizeof(T)))) {}
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;
    ~Taken() { api_.give_back(data_); }
    [[nodiscard]] T* data() const { return data_; }

   private:
    CudaDeviceApi& api_;
    T* data_;
  };

  /// Row-major C = A B is column-major C^T = B^T A^T: the operands change places.
  template <typename T>
  void multiply_as(const Gemm<T>& g, T alpha, T beta) {
    ITM_CUBLAS_TRY(cublas().gemm(
        lines_.blas, operation(g.op_b), operation(g.op_a), whole(g.c.cols()), whole(g.c.rows()), whole(g.depth()),
        &alpha, g.b.data(), data_type<T>, whole(g.b.stride()), g.a.data(), data_type<T>, whole(g.a.stride()), &beta,
        g.c.data(), data_type<T>, whole(g.c.stride()), compute_type<T>(Precision::float32), CUBLAS_GEMM_DEFAULT));
    count_launch(sizeof(T) * (g.a.size() + g.b.size() + g.c.size() * (beta == 0 ? 1 : 2)));
  }

  template <typename T>
  void sort_keys(T* keys, std::size_t count) {
    const Taken<T> other(*this, count);
    cub::DoubleBuffer<T> pair(keys, other.data());
    std::size_t bytes = 0;
    ITM_CUDA_TRY(cub::DeviceRadixSort::SortKeys(nullptr, bytes, pair, count, 0, 8 * sizeof(T), work_));
    const Taken<std::byte> work(*this, bytes);
    ITM_CUDA_TRY(cub::DeviceRadixSort::SortKeys(work.data(), bytes, pair, count, 0, 8 * sizeof(T), work_));
    put_back(pair, keys, count);
    count_launch(2 * count * sizeof(T));
  }

  /// Sorting may end in the other buffer.
  template <typename T>
  void put_back(cub::DoubleBuffer<T>& pair, T* wanted, std::size_t count) {
    if (pair.Current() != wanted) {
      ITM_CUDA_TRY(cudaMemcpyAsync(wanted, pair.Current(), count * sizeof(T), cudaMemcpyDeviceToDevice, work_));
    }
  }

  /// Made when the first matrix is factorised.
  [[nodiscard]] const Solver& solver() {
    if (!solver_) {
      solver_ = std::make_unique<Solver>(work_);
    }
    return *solver_;
  }

  int device_ = 0;
  cudaMemPool_t pool_ = nullptr;
  std::string name_;
  Stream work_;
  Stream copy_;
  Stream allocation_;
  Lines lines_{work_};
  std::mutex staging_guard_;
  std::vector<std::unique_ptr<Staging>> staging_;
  std::unique_ptr<Solver> solver_;
  std::vector<std::unique_ptr<Staging>> letters_;
  std::size_t next_letter_ = 0;
  std::unique_ptr<Pinned> inbox_;
  std::size_t inbox_bytes_ = 0;
};

}  // namespace

std::unique_ptr<DeviceApi> make_cuda_device_api(int device) {
  int count = 0;
  ITM_CUDA_TRY(cudaGetDeviceCount(&count));
  if (device < 0 || device >= count) {
    throw DeviceError(
        "--device " + std::to_string(device) + ": there " +
        (count == 1 ? std::string("is 1 CUDA device") : "are " + std::to_string(count) + " CUDA devices") +
        ", numbered from 0");
  }
  ITM_CUDA_TRY(cudaSetDevice(device));  // before the streams of the object are made
  cudaFuncAttributes any_kernel{};
  const cudaError_t status = cudaFuncGetAttributes(&any_kernel, probe_kernel);
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction) {
    (void)cudaGetLastError();
    cudaDeviceProp properties{};
    ITM_CUDA_TRY(cudaGetDeviceProperties(&properties, device));
    throw DeviceError(std::string(properties.name) + " has compute capability " + std::to_string(properties.major) +
                      "." + std::to_string(properties.minor) +
                      ", and this build holds code for " ITM_CUDA_BUILT_FOR "; build with -DCMAKE_CUDA_ARCHITECTURES=" +
                      std::to_string(10 * properties.major + properties.minor) + " or pass --backend cpu");
  }
  ITM_CUDA_TRY(status);
  return std::make_unique<CudaDeviceApi>(device);
}

}  // namespace itm::cuda
