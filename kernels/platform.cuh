#pragma once
// The two surroundings of a kernel source: nvcc for a device, or a C++ compiler and the host stand-in of the tests
// (tests/kernels/host_cuda), which runs every thread of every block. Everything that uses this header lives in
// itm::ITM_KERNELS, so that a program may hold both.

#ifdef __CUDACC__
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "kernels/check.hpp"
#define ITM_KERNELS cuda
namespace itm::ITM_KERNELS {
constexpr unsigned warp_size = 32;
}
#else
#include "host_cuda/host_cuda.hpp"
#define ITM_KERNELS host_cuda
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/device_api.hpp"

/// Before a loop over registers, which cannot be indexed.
#ifdef __CUDACC__
#define ITM_PRAGMA(text) _Pragma(#text)
#define ITM_UNROLL _Pragma("unroll")
#define ITM_UNROLL_BY(times) ITM_PRAGMA(unroll times)
#else
#define ITM_UNROLL
#define ITM_UNROLL_BY(times)
#endif

/// A kernel that is no template: nvcc does not let it be inline.
#define ITM_KERNEL [[maybe_unused]] static __global__

namespace itm::ITM_KERNELS {

/// Starts kernel(args...) on the stream of `api`. An empty grid is no launch. Who knows how many bytes it
/// moves counts them (DeviceApi::count_moved).
template <typename... Parameters>
void launch(DeviceApi& api, void (*kernel)(Parameters...), dim3 grid, dim3 block,
            std::type_identity_t<Parameters>... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) {
    return;
  }
  api.count_launch(0);
#ifdef __CUDACC__
  kernel<<<grid, block, 0, static_cast<cudaStream_t>(api.stream())>>>(arguments...);
  ITM_CUDA_TRY(cudaGetLastError());
#else
  run_grid(grid, block, [&] { kernel(arguments...); });
#endif
}

/// Blocks of `size` that cover `count`.
[[nodiscard]] constexpr unsigned tiles(std::uint64_t count, std::uint64_t size) {
  return static_cast<unsigned>((count + size - 1) / size);
}

/// IEEE binary16 bits -> float, exact.
__device__ inline float half_to_float(std::uint16_t bits) {
#ifdef __CUDACC__
  return __half2float(__ushort_as_half(bits));
#else
  return half_bits_to_float(bits);
#endif
}

/// 16 bytes as another block of the same launch left them before it raised a ticket: past the cache that blocks do not
/// share.
template <typename Pack>
__device__ inline Pack load_fresh(const Pack* from) {
  static_assert(sizeof(Pack) == 16);
#ifdef __CUDACC__
  const int4 bits = __ldcg(reinterpret_cast<const int4*>(from));
  return *reinterpret_cast<const Pack*>(&bits);
#else
  return *from;
#endif
}

}  // namespace itm::ITM_KERNELS
