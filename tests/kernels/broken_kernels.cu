// Kernels that break one gate of scripts/machine_code.py each, and one that breaks none: its --prove compiles them.
// Each is asked for everything: four blocks of 256 threads on an SM, no local memory, no float64 in a loop, 128-bit
// accesses, tensor cores.

#include <mma.h>

namespace {

constexpr int threads = 256;

/// The tensor-core product that every kernel but one has.
__device__ void tensor_product(float* shared) {
  namespace wmma = nvcuda::wmma;
  wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, wmma::col_major> b;
  wmma::fragment<wmma::accumulator, 16, 16, 8, float> c;
  wmma::load_matrix_sync(a, shared, 8);
  wmma::load_matrix_sync(b, shared + 128, 8);
  wmma::fill_fragment(c, 0.0F);
  wmma::mma_sync(c, a, b, c);
  wmma::store_matrix_sync(shared + 256, c, 16, wmma::mem_row_major);
}

enum class Broken { nothing, wide_load, wide_store, wide_shared, tensor, float32, local };

template <typename Number>
__device__ float repeated(float from, int times) {
  Number sum = 0;
#pragma unroll 1
  for (int i = 0; i < times; ++i) {
    sum = sum * static_cast<Number>(from) + Number(1.5);
  }
  return static_cast<float>(sum);
}

/// An index that is known only at run time puts an array where it can be addressed.
__device__ float from_an_array(float from, int times) {
  float kept[16] = {};
#pragma unroll 1
  for (int i = 0; i < times; ++i) {
    kept[(i * 7) & 15] += from;
  }
  return kept[times & 15];
}

template <Broken broken>
__device__ void work(const float4* from, float4* to, int times) {
  __shared__ float4 shared[threads];
  float4 value;
  if constexpr (broken == Broken::wide_load) {
    const volatile float* one = reinterpret_cast<const volatile float*>(from + threadIdx.x);
    value = make_float4(one[0], one[1], one[2], one[3]);
  } else {
    value = from[threadIdx.x];
  }
  shared[threadIdx.x] = value;
  __syncthreads();
  if constexpr (broken != Broken::tensor) {
    tensor_product(reinterpret_cast<float*>(shared));
    __syncthreads();
  }
  const unsigned other = (threadIdx.x + 1) % threads;
  if constexpr (broken == Broken::wide_shared) {
    const volatile float* one = reinterpret_cast<const volatile float*>(shared + other);
    value = make_float4(one[0], one[1], one[2], one[3]);
  } else {
    value = shared[other];
  }
  value.x = broken == Broken::float32 ? repeated<double>(value.x, times) : repeated<float>(value.x, times);
  if constexpr (broken == Broken::local) {
    value.y = from_an_array(value.y, times);
  }
  if constexpr (broken == Broken::wide_store) {
    volatile float* one = reinterpret_cast<volatile float*>(to + threadIdx.x);
    one[0] = value.x;
    one[1] = value.y;
    one[2] = value.z;
    one[3] = value.w;
  } else {
    to[threadIdx.x] = value;
  }
}

/// Numbers that are all alive at once.
template <int count>
__device__ void crowd(const float4* from, float4* to, int times) {
  float many[count];
#pragma unroll
  for (int i = 0; i < count; ++i) {
    many[i] = reinterpret_cast<const float*>(from)[threads * i + threadIdx.x];
  }
#pragma unroll 1
  for (int step = 0; step < times; ++step) {
#pragma unroll
    for (int i = 0; i < count; ++i) {
      many[i] = many[i] * many[(i + 1) % count] + many[(i + 7) % count];
    }
  }
#pragma unroll
  for (int i = 0; i < count; ++i) {
    reinterpret_cast<float*>(to)[threads * i + threadIdx.x] = many[i];
  }
}

}  // namespace

extern "C" {
__global__ void __launch_bounds__(threads, 4) sound(const float4* from, float4* to, int times) {
  work<Broken::nothing>(from, to, times);
}
__global__ void __launch_bounds__(threads, 4) breaks_wide_load(const float4* from, float4* to, int times) {
  work<Broken::wide_load>(from, to, times);
}
__global__ void __launch_bounds__(threads, 4) breaks_wide_store(const float4* from, float4* to, int times) {
  work<Broken::wide_store>(from, to, times);
}
__global__ void __launch_bounds__(threads, 4) breaks_wide_shared(const float4* from, float4* to, int times) {
  work<Broken::wide_shared>(from, to, times);
}
__global__ void __launch_bounds__(threads, 4) breaks_tensor(const float4* from, float4* to, int times) {
  work<Broken::tensor>(from, to, times);
}
__global__ void __launch_bounds__(threads, 4) breaks_float32(const float4* from, float4* to, int times) {
  work<Broken::float32>(from, to, times);
}
__global__ void __launch_bounds__(threads, 4) breaks_local(const float4* from, float4* to, int times) {
  work<Broken::local>(from, to, times);
}
/// 128 numbers in the 64 registers that the bounds leave a thread.
__global__ void __launch_bounds__(threads, 4) breaks_local_by_spilling(const float4* from, float4* to, int times) {
  work<Broken::nothing>(from, to, times);
  crowd<128>(from, to + threads, times);
}
/// No bounds, and so as many registers as it likes.
__global__ void __launch_bounds__(threads, 1) breaks_registers(const float4* from, float4* to, int times) {
  work<Broken::nothing>(from, to, times);
  crowd<128>(from, to + threads, times);
}
}
