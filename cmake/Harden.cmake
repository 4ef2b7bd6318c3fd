# What every binary of every preset has in common against hostile input: no place to load code from that somebody else
# may write to, tables that are read-only once it runs, stacks and buffers that are checked. tests/cli/hardening_test.cpp
# reads all of them.
option(ITM_HARDEN "Full RELRO, immediate binding, stack protector, FORTIFY_SOURCE and position-independent programs" ON)

# CMake links with a search path for the build and replaces it when installing; the place that it keeps for that is an
# empty element, which means the current directory. So a binary gets its last path at once: none where the system's
# loader finds the libraries by itself, else their absolute folders.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH "")

# itm_runtime_path(LIBRARY...): adds the folders of shared libraries that the loader does not know.
function(itm_runtime_path)
  find_program(ITM_LDCONFIG ldconfig PATHS /sbin /usr/sbin)
  mark_as_advanced(ITM_LDCONFIG)
  set(known "")
  if(ITM_LDCONFIG)
    execute_process(COMMAND ${ITM_LDCONFIG} -p OUTPUT_VARIABLE known ERROR_QUIET)
  endif()
  set(path ${CMAKE_INSTALL_RPATH})
  foreach(library IN LISTS ARGN)
    if(NOT library MATCHES "\\.so(\\.[0-9.]+)?$" OR NOT EXISTS "${library}")
      continue()
    endif()
    cmake_path(GET library PARENT_PATH folder)
    cmake_path(GET library STEM name)
    file(GLOB names RELATIVE "${folder}" "${folder}/${name}.so.*")
    set(is_known FALSE)
    foreach(candidate IN LISTS names)
      string(FIND "${known}" "\t${candidate} " at)
      if(at GREATER_EQUAL 0)
        set(is_known TRUE)
      endif()
    endforeach()
    if(NOT is_known)
      list(APPEND path "${folder}")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES path)
  set(CMAKE_INSTALL_RPATH "${path}" PARENT_SCOPE)
endfunction()

include(CheckPIESupported)
check_pie_supported(OUTPUT_VARIABLE itm_pie LANGUAGES CXX)

if(ITM_HARDEN)
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag(-fstack-protector-strong ITM_HAS_STACK_PROTECTOR)
  # Level 3 asks the compiler for sizes that are known at run time only.
  set(itm_fortify 2)
  if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12)
     OR (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 15))
    set(itm_fortify 3)
  endif()
endif()

# itm_harden(TARGET): everything that the project compiles and links goes through here.
function(itm_harden target)
  if(NOT ITM_HARDEN)
    return()
  endif()
  if(ITM_HAS_STACK_PROTECTOR)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C,CXX>:-fstack-protector-strong>)
  endif()
  # It needs optimisation, and hides from sanitizers what they look for.
  if(NOT ITM_SANITIZE AND NOT ITM_FUZZ)
    target_compile_options(
      ${target}
      PRIVATE
        $<$<AND:$<COMPILE_LANGUAGE:C,CXX>,$<CONFIG:Release,RelWithDebInfo,MinSizeRel>>:-U_FORTIFY_SOURCE
        -D_FORTIFY_SOURCE=${itm_fortify}>)
  endif()
  target_link_options(${target} PRIVATE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
endfunction()
