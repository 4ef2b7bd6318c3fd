# Every dependency is a system package; docs/dependencies.md says why each is there.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)

include(${CMAKE_CURRENT_LIST_DIR}/SystemLibraries.cmake)
if(itm_missing_libraries)
  list(JOIN itm_missing_libraries ", " itm_missing_libraries)
  message(FATAL_ERROR "itm: not found: ${itm_missing_libraries}; scripts/setup.sh installs what is missing")
endif()
find_path(ITM_ZIP_INCLUDE zip.h REQUIRED)
add_library(libzip::zip ALIAS itm::zip)

# Headers of OpenBLAS. Debian and Ubuntu keep them in an architecture folder.
find_path(
  ITM_CBLAS_INCLUDE cblas.h
  PATH_SUFFIXES openblas openblas-pthread openblas-openmp
  HINTS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread
        /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp REQUIRED)
add_library(itm_blas INTERFACE)
target_include_directories(itm_blas SYSTEM INTERFACE ${ITM_CBLAS_INCLUDE})
target_link_libraries(itm_blas INTERFACE itm::blas)

# XXH3, all of it in a header.
find_path(ITM_XXHASH_INCLUDE xxhash.h REQUIRED)
add_library(itm_xxhash INTERFACE)
target_include_directories(itm_xxhash SYSTEM INTERFACE ${ITM_XXHASH_INCLUDE})

# Optional: only src/cli/mpi_sweep.cpp knows it, through its C interface.
set(ITM_HAVE_MPI OFF)
if(ITM_MPI STREQUAL "AUTO")
  find_package(MPI QUIET COMPONENTS C)
elseif(ITM_MPI)
  find_package(MPI REQUIRED COMPONENTS C)
endif()
if(MPI_C_FOUND)
  set(ITM_HAVE_MPI ON)
elseif(ITM_MPI STREQUAL "AUTO")
  message(STATUS "itm: no MPI; sweeps use one process, or --shard")
endif()
