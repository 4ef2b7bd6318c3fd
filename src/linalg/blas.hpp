#pragma once
// The matrix products of the CPU path: row-major, single-threaded OpenBLAS. Parallelism is over models
// (core/work_pool.hpp); where threads have no model left they help with the panels of large products, which are the
// same panels on any number of threads, so that the bits are too.

#include <cstddef>
#include <string>

namespace itm::blas {

enum class Op : bool { none, transpose };

/// Takes the working memory of `threads` threads that call BLAS at the same time, where the address space is limited
/// (ulimit -v): the library would try for ever to get it later. Throws DeviceError where it does not fit.
void reserve(int threads);

/// C = alpha op(A) op(B) + beta C, all row-major; op(A) is m x k, op(B) k x n, C m x n; ld* = length of a stored row.
template <typename T>
void gemm(Op op_a, Op op_b, std::size_t m, std::size_t n, std::size_t k, T alpha, const T* a, std::size_t lda,
          const T* b, std::size_t ldb, T beta, T* c, std::size_t ldc);

/// Lower triangle of C = alpha A A^T; A is n x k row-major, C n x n. The strict upper triangle is left alone.
template <typename T>
void syrk_lower(std::size_t n, std::size_t k, T alpha, const T* a, std::size_t lda, T* c, std::size_t ldc);

/// Lower triangle of S = alpha A^T A + beta S; A is k x n row-major, S n x n. The strict upper triangle is left alone.
template <typename T>
void add_gram_lower(std::size_t n, std::size_t k, T alpha, const T* a, std::size_t lda, T beta, T* s, std::size_t lds);

/// C = alpha S B + beta C with S symmetric n x n (its lower triangle is read), B and C n x k, all row-major.
template <typename T>
void symm_lower(std::size_t n, std::size_t k, T alpha, const T* s, std::size_t lds, const T* b, std::size_t ldb, T beta,
                T* c, std::size_t ldc);

/// Makes OpenBLAS single-threaded and corrects its choice of kernels; safe to call often and from any thread.
/// OpenBLAS releases older than the machine do not know its model number and fall back to SSE3 kernels ("Prescott"),
/// a fifth of the speed, although the instructions are there.
void prepare();

/// Threads inside one BLAS call. 1 except while the benchmark compares parallel BLAS with parallel models.
void set_threads(int threads);

/// "OpenBLAS 0.3.21, SkylakeX kernels" for reports.
[[nodiscard]] std::string description();

}  // namespace itm::blas
