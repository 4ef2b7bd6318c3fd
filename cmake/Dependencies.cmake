# Every dependency is a system package; docs/dependencies.md says why each is there.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(libzip REQUIRED)

# OpenBLAS with its CBLAS and LAPACK entry points. Debian and Ubuntu keep the headers in an architecture folder.
find_library(ITM_OPENBLAS NAMES openblas REQUIRED)
find_path(ITM_CBLAS_INCLUDE cblas.h PATH_SUFFIXES openblas openblas-pthread openblas-openmp
          HINTS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
                /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp REQUIRED)
find_library(ITM_LAPACKE NAMES lapacke REQUIRED)
add_library(itm_blas INTERFACE)
target_include_directories(itm_blas SYSTEM INTERFACE $<BUILD_INTERFACE:${ITM_CBLAS_INCLUDE}>)
target_link_libraries(itm_blas INTERFACE ${ITM_OPENBLAS} ${ITM_LAPACKE})
