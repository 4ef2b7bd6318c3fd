#pragma once
// cuBLAS and cuSOLVER, loaded when the first engine is opened: together they are most of a gigabyte, which commands
// that never touch a device should neither need nor pay for.

#include <cublas_v2.h>
#include <cusolverDn.h>

#include <string>

#include "itm/error.hpp"

namespace itm::cuda {

/// The entry points that the engine uses. The libraries stay loaded until the process ends.
struct Cublas {
  decltype(&cublasCreate_v2) create;
  decltype(&cublasDestroy_v2) destroy;
  decltype(&cublasSetStream_v2) set_stream;
  decltype(&cublasSetWorkspace_v2) set_workspace;
  decltype(&cublasGetStatusString) status;
  decltype(&cublasGemmBatchedEx_64) gemm_batched;
  decltype(&cublasGemmEx_64) gemm;
  decltype(&cublasDsyrk_v2_64) syrk;
  decltype(&cublasDtrsm_v2_64) trsm;
};
struct Cusolver {
  decltype(&cusolverDnCreate) create;
  decltype(&cusolverDnDestroy) destroy;
  decltype(&cusolverDnSetStream) set_stream;
  decltype(&cusolverDnDsyevd_bufferSize) syevd_size;
  decltype(&cusolverDnDsyevd) syevd;
  decltype(&cusolverDnDpotrf_bufferSize) potrf_size;
  decltype(&cusolverDnDpotrf) potrf;
  decltype(&cusolverDnDpotrfBatched) potrf_batched;
};

/// Throw DeviceError that names the library which cannot be loaded.
[[nodiscard]] const Cublas& cublas();
[[nodiscard]] const Cusolver& cusolver();

inline void check_blas(cublasStatus_t status, const char* call, const char* file, int line) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    throw DeviceError(std::string(file) + ":" + std::to_string(line) + ": " + call +
                      " failed: " + cublas().status(status) + "; free the device or pass --backend cpu");
  }
}

inline void check_solver(cusolverStatus_t status, const char* call, const char* file, int line) {
  if (status != CUSOLVER_STATUS_SUCCESS) {
    throw DeviceError(std::string(file) + ":" + std::to_string(line) + ": " + call + " failed with cuSOLVER status " +
                      std::to_string(status) + "; free the device or pass --backend cpu");
  }
}

}  // namespace itm::cuda

#define ITM_CUBLAS_TRY(call) ::itm::cuda::check_blas((call), #call, __FILE__, __LINE__)
#define ITM_CUSOLVER_TRY(call) ::itm::cuda::check_solver((call), #call, __FILE__, __LINE__)
