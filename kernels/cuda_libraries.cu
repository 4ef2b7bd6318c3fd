#include "kernels/cuda_libraries.hpp"

#include <dlfcn.h>

namespace itm::cuda {
namespace {

#define ITM_TEXT_OF(value) #value
#define ITM_TEXT(value) ITM_TEXT_OF(value)
// The libraries' sonames carry their major versions.
constexpr const char* blas_name = "libcublas.so." ITM_TEXT(CUBLAS_VER_MAJOR);
constexpr const char* solver_name = "libcusolver.so." ITM_TEXT(CUSOLVER_VER_MAJOR);

/// By the usual search (RPATH, LD_LIBRARY_PATH, the system's list), then where the toolkit was at build time.
void* load(const char* name) {
  if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
    return library;
  }
  const std::string reason = dlerror();
  if (void* library = dlopen((std::string(ITM_CUDA_LIBRARY_DIR "/") + name).c_str(), RTLD_NOW | RTLD_LOCAL)) {
    return library;
  }
  throw DeviceError(reason + "; install the CUDA toolkit's libraries, set LD_LIBRARY_PATH or pass --backend cpu");
}

template <typename Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) {
    throw DeviceError(std::string(name) + ": is missing from the CUDA libraries; install those of CUDA " +
                      std::to_string(CUDART_VERSION / 1000) + " or pass --backend cpu");
  }
}

Cublas load_cublas() {
  void* library = load(blas_name);
  Cublas all{};
  find(library, "cublasCreate_v2", all.create);
  find(library, "cublasDestroy_v2", all.destroy);
  find(library, "cublasSetStream_v2", all.set_stream);
  find(library, "cublasSetWorkspace_v2", all.set_workspace);
  find(library, "cublasGetStatusString", all.status);
  find(library, "cublasGemmBatchedEx_64", all.gemm_batched);
  find(library, "cublasGemmEx_64", all.gemm);
  find(library, "cublasDsyrk_v2_64", all.syrk);
  find(library, "cublasDtrsm_v2_64", all.trsm);
  return all;
}

Cusolver load_cusolver() {
  void* library = load(solver_name);
  Cusolver all{};
  find(library, "cusolverDnCreate", all.create);
  find(library, "cusolverDnDestroy", all.destroy);
  find(library, "cusolverDnSetStream", all.set_stream);
  find(library, "cusolverDnDsyevd_bufferSize", all.syevd_size);
  find(library, "cusolverDnDsyevd", all.syevd);
  find(library, "cusolverDnDpotrf_bufferSize", all.potrf_size);
  find(library, "cusolverDnDpotrf", all.potrf);
  find(library, "cusolverDnDpotrfBatched", all.potrf_batched);
  return all;
}

}  // namespace

const Cublas& cublas() {
  static const Cublas all = load_cublas();
  return all;
}

const Cusolver& cusolver() {
  static const Cusolver all = load_cusolver();
  return all;
}

}  // namespace itm::cuda
