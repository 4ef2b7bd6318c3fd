# The libraries that come without a usable CMake package, as imported targets:
#   itm::blas  OpenBLAS, with CBLAS and LAPACK
#   itm::zip   libzip; its own package on Debian and Ubuntu insists on three command-line tools nobody needs
# Used by this build and, installed beside itmConfig.cmake, by every project that finds itm. Sets
# itm_missing_libraries to the names that were not found.
set(itm_missing_libraries "")

find_library(ITM_OPENBLAS NAMES openblas PATH_SUFFIXES openblas-pthread openblas-serial openblas-openmp)
find_library(ITM_LIBZIP NAMES zip)
foreach(itm_library ITM_OPENBLAS ITM_LIBZIP)
  mark_as_advanced(${itm_library})
  if(NOT ${itm_library})
    string(REGEX REPLACE "^ITM_" "" itm_name ${itm_library})
    string(TOLOWER ${itm_name} itm_name)
    list(APPEND itm_missing_libraries ${itm_name})
  endif()
endforeach()

if(NOT itm_missing_libraries)
  if(NOT TARGET itm::blas)
    add_library(itm::blas INTERFACE IMPORTED)
    set_target_properties(itm::blas PROPERTIES INTERFACE_LINK_LIBRARIES "${ITM_OPENBLAS}")
  endif()
  if(NOT TARGET itm::zip)
    add_library(itm::zip INTERFACE IMPORTED)
    set_target_properties(itm::zip PROPERTIES INTERFACE_LINK_LIBRARIES "${ITM_LIBZIP}")
  endif()
endif()
