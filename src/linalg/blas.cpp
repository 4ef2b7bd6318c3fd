#include "linalg/blas.hpp"

#include <cblas.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/work_pool.hpp"
#include "itm/error.hpp"

// Entry points of OpenBLAS that cblas.h leaves out or that another BLAS may lack; absent ones resolve to null.
extern "C" {
__attribute__((weak)) void gotoblas_dynamic_init();
__attribute__((weak)) void gotoblas_dynamic_quit();
__attribute__((weak)) int blas_thread_shutdown_();
__attribute__((weak)) void* blas_memory_alloc(int procpos);
__attribute__((weak)) void blas_memory_free(void* buffer);
}

namespace itm::blas {
namespace {

CBLAS_TRANSPOSE cblas_op(Op op) { return op == Op::transpose ? CblasTrans : CblasNoTrans; }

/// The best kernel family that this processor can run, among those every OpenBLAS since 0.3.0 knows; null: leave it
/// alone.
const char* wanted_core() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    return "SkylakeX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return "Haswell";
  }
#endif
  return nullptr;
}

void correct_kernel_choice() {
  const std::string_view core = openblas_get_corename();
  const bool fell_back = core == "Prescott" || core == "Core2" || core == "Nehalem" || core == "Sandybridge" ||
                         (core == "Haswell" && std::string_view(wanted_core() ? wanted_core() : "") == "SkylakeX");
  if (!fell_back || wanted_core() == nullptr || std::getenv("OPENBLAS_CORETYPE") != nullptr ||
      gotoblas_dynamic_init == nullptr || gotoblas_dynamic_quit == nullptr) {
    return;
  }
  // The table of kernels is chosen once at load time; dropping it and choosing again with a hint is how the library's
  // own OPENBLAS_CORETYPE works.
  setenv("OPENBLAS_CORETYPE", wanted_core(), 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");
}

}  // namespace

void prepare() {
  static std::once_flag once;
  std::call_once(once, [] {
    openblas_set_num_threads(1);
    if (blas_thread_shutdown_ != nullptr) {
      // The library starts its workers when it is loaded, and they spin for a while on the cores that we want. Where
      // several threads are asked for later, it starts them again.
      blas_thread_shutdown_();
    }
    correct_kernel_choice();
  });
}

void reserve(int threads) {
  struct rlimit limit {};
  if (blas_memory_alloc == nullptr || blas_memory_free == nullptr || ::getrlimit(RLIMIT_AS, &limit) != 0 ||
      limit.rlim_cur == RLIM_INFINITY) {
    return;
  }
  prepare();
  // What a thread needs: OpenBLAS's buffer, a stack, a heap of its own.
  constexpr std::size_t per_thread = std::size_t{224} << 20U;
  std::vector<void*> buffers;
  bool fits = true;
  for (int i = 0; i < threads && fits; ++i) {
    void* probe = ::mmap(nullptr, per_thread, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    fits = probe != MAP_FAILED;
    if (fits) {
      ::munmap(probe, per_thread);
      buffers.push_back(blas_memory_alloc(0));
    }
  }
  for (void* buffer : buffers) {
    blas_memory_free(buffer);  // back to the library's table, not to the system
  }
  if (!fits) {
    throw DeviceError(
        fmt::format("the address space is limited to {} MiB (ulimit -v), and {} thread{} of OpenBLAS need about {} MiB "
                    "more than is "
                    "left; raise the limit or use fewer --threads",
                    limit.rlim_cur >> 20U, threads, threads == 1 ? "" : "s",
                    (static_cast<std::size_t>(threads) - buffers.size()) * (per_thread >> 20U)));
  }
}

void set_threads(int threads) {
  prepare();
  openblas_set_num_threads(threads);
}

std::string description() {
  prepare();
  const std::string_view config = openblas_get_config();  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..."
  const std::size_t second = config.find(' ', config.find(' ') + 1);
  return fmt::format("{}, {} kernels", config.substr(0, second), openblas_get_corename());
}

namespace {

/// Multiplications of a panel, at least: a millisecond, beside which waking a thread is nothing.
constexpr double of_panel = 3e7;
constexpr std::size_t most_panels = 16;
/// Rows or columns of a panel, at least: the kernels' own tiles stay whole.
constexpr std::size_t narrowest = 48;

/// Where panel p of `count` begins in n rows: multiples of `narrowest`, but for the end.
std::size_t panel_begin(std::size_t p, std::size_t count, std::size_t n) {
  return p == count ? n : n * p / count / narrowest * narrowest;
}

std::size_t panels_of(double multiplications, std::size_t n) {
  const double wanted = std::min(multiplications / of_panel, static_cast<double>(most_panels));
  return std::max<std::size_t>(std::min(static_cast<std::size_t>(wanted), n / narrowest), 1);
}

template <typename T>
void whole_gemm(Op op_a, Op op_b, std::size_t m, std::size_t n, std::size_t k, T alpha, const T* a, std::size_t lda,
                const T* b, std::size_t ldb, T beta, T* c, std::size_t ldc) {
  const auto call = [&](auto function) {
    function(CblasRowMajor, cblas_op(op_a), cblas_op(op_b), static_cast<blasint>(m), static_cast<blasint>(n),
             static_cast<blasint>(k), alpha, a, static_cast<blasint>(lda), b, static_cast<blasint>(ldb), beta, c,
             static_cast<blasint>(ldc));
  };
  if constexpr (std::is_same_v<T, float>) {
    call(cblas_sgemm);
  } else {
    call(cblas_dgemm);
  }
}

/// Lower triangle of C = alpha A A^T + beta C, or of alpha A^T A + beta C where A is transposed.
template <typename T>
void whole_syrk(Op op, std::size_t n, std::size_t k, T alpha, const T* a, std::size_t lda, T beta, T* c,
                std::size_t ldc) {
  const auto call = [&](auto function) {
    function(CblasRowMajor, CblasLower, cblas_op(op), static_cast<blasint>(n), static_cast<blasint>(k), alpha, a,
             static_cast<blasint>(lda), beta, c, static_cast<blasint>(ldc));
  };
  if constexpr (std::is_same_v<T, float>) {
    call(cblas_ssyrk);
  } else {
    call(cblas_dsyrk);
  }
}

/// The same by panels of rows: a rectangle left of the diagonal, and the triangle at it. Panels of equal area.
template <typename T>
void syrk(Op op, std::size_t n, std::size_t k, T alpha, const T* a, std::size_t lda, T beta, T* c, std::size_t ldc) {
  const double work = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(k) / 2;
  const std::size_t panels = panels_of(work, n);
  if (panels == 1) {
    whole_syrk(op, n, k, alpha, a, lda, beta, c, ldc);
    return;
  }
  const auto begin = [&](std::size_t p) {
    const double share = std::sqrt(static_cast<double>(p) / static_cast<double>(panels));
    return p == panels ? n : static_cast<std::size_t>(static_cast<double>(n) * share) / narrowest * narrowest;
  };
  WorkPool::share(panels, [&](std::size_t p) {
    const std::size_t first = begin(panels - 1 - p);  // the long ones are the last
    const std::size_t rows = begin(panels - p) - first;
    const T* mine = a + first * (op == Op::transpose ? 1 : lda);
    if (rows > 0 && first > 0) {
      whole_gemm(op, op == Op::none ? Op::transpose : Op::none, rows, first, k, alpha, mine, lda, a, lda, beta,
                 c + first * ldc, ldc);
    }
    if (rows > 0) {
      whole_syrk(op, rows, k, alpha, mine, lda, beta, c + first * ldc + first, ldc);
    }
  });
}

}  // namespace

template <typename T>
void gemm(Op op_a, Op op_b, std::size_t m, std::size_t n, std::size_t k, T alpha, const T* a, std::size_t lda,
          const T* b, std::size_t ldb, T beta, T* c, std::size_t ldc) {
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const bool by_rows = m >= n;
  const std::size_t panels = panels_of(work, by_rows ? m : n);
  if (panels == 1) {
    whole_gemm(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    return;
  }
  WorkPool::share(panels, [&](std::size_t p) {
    const std::size_t first = panel_begin(p, panels, by_rows ? m : n);
    const std::size_t count = panel_begin(p + 1, panels, by_rows ? m : n) - first;
    if (count == 0) {
      return;
    }
    if (by_rows) {
      whole_gemm(op_a, op_b, count, n, k, alpha, a + first * (op_a == Op::none ? lda : 1), lda, b, ldb, beta,
                 c + first * ldc, ldc);
    } else {
      whole_gemm(op_a, op_b, m, count, k, alpha, a, lda, b + first * (op_b == Op::none ? 1 : ldb), ldb, beta, c + first,
                 ldc);
    }
  });
}

template <typename T>
void syrk_lower(std::size_t n, std::size_t k, T alpha, const T* a, std::size_t lda, T* c, std::size_t ldc) {
  syrk(Op::none, n, k, alpha, a, lda, T{0}, c, ldc);
}

template <typename T>
void add_gram_lower(std::size_t n, std::size_t k, T alpha, const T* a, std::size_t lda, T beta, T* s, std::size_t lds) {
  syrk(Op::transpose, n, k, alpha, a, lda, beta, s, lds);
}

template <typename T>
void symm_lower(std::size_t n, std::size_t k, T alpha, const T* s, std::size_t lds, const T* b, std::size_t ldb, T beta,
                T* c, std::size_t ldc) {
  const auto call = [&](auto function) {
    function(CblasRowMajor, CblasLeft, CblasLower, static_cast<blasint>(n), static_cast<blasint>(k), alpha, s,
             static_cast<blasint>(lds), b, static_cast<blasint>(ldb), beta, c, static_cast<blasint>(ldc));
  };
  if constexpr (std::is_same_v<T, float>) {
    call(cblas_ssymm);
  } else {
    call(cblas_dsymm);
  }
}

#define ITM_INSTANTIATE(T)                                                                                      \
  template void gemm<T>(Op, Op, std::size_t, std::size_t, std::size_t, T, const T*, std::size_t, const T*,      \
                        std::size_t, T, T*, std::size_t);                                                       \
  template void syrk_lower<T>(std::size_t, std::size_t, T, const T*, std::size_t, T*, std::size_t);             \
  template void add_gram_lower<T>(std::size_t, std::size_t, T, const T*, std::size_t, T, T*, std::size_t);      \
  template void symm_lower<T>(std::size_t, std::size_t, T, const T*, std::size_t, const T*, std::size_t, T, T*, \
                              std::size_t);
ITM_INSTANTIATE(float)
ITM_INSTANTIATE(double)
#undef ITM_INSTANTIATE

}  // namespace itm::blas
