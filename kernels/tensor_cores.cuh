#pragma once
// The tensor cores as a kernel sees them: TF32 numbers, and the product that a warp multiplies together.
//
// A TF32 number is a float32 whose last 13 bits are zero: 11 significant bits. A product of two is exact in float32;
// what tensor cores add is rounded towards zero. On the host the stand-in multiplies (tests/kernels/host_cuda).

#include "kernels/platform.cuh"

namespace itm::ITM_KERNELS {

/// The nearest TF32 number; of two the one further from zero.
__device__ inline float to_tf32(float x) {
#ifdef __CUDACC__
  unsigned bits = 0;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return __uint_as_float(bits);
#else
  return round_to_tf32(x);
#endif
}

/// x = high + low but for a rounding of 2^-23 |x|, both TF32. An x that is not finite, or that rounds to none, has no
/// such sum: low is no number.
struct SplitFloat {
  float high;
  float low;
  __device__ explicit SplitFloat(float x) : high(to_tf32(x)), low(to_tf32(x - high)) {}
};

/// C += A B for a matrix A of 16 x 8, B of 8 x 8 and C of 16 x 8 entries spread over a warp, all of whose threads take
/// part. Thread 4 g + t of it has, rows first:
///   a   A(g, t), A(g + 8, t), A(g, t + 4), A(g + 8, t + 4)
///   b   B(t, g), B(t + 4, g)
///   c   C(g, 2 t), C(g, 2 t + 1), C(g + 8, 2 t), C(g + 8, 2 t + 1)
__device__ inline void tensor_product(float (&c)[4], const float (&a)[4], const float (&b)[2]) {
#ifdef __CUDACC__
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])), "r"(__float_as_uint(a[3])),
        "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
#else
  mma_m16n8k8(c, a, b);
#endif
}

}  // namespace itm::ITM_KERNELS
