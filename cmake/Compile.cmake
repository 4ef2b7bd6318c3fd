# Warnings and sanitizers for every target of the project.
function(itm_compile_options target)
  itm_harden(${target})
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                           -Wno-sign-conversion>)
  # g++ 12 misreads the standard library's own string concatenation when it optimises (its bugs 105329 and 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict -Wno-stringop-overflow
                                             -Wno-stringop-overread -Wno-array-bounds>)
  endif()
  # `#pragma omp simd` only: no OpenMP runtime, no threads. Full-width vectors, because GCC's default for AVX-512 is half.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp-simd>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-mprefer-vector-width=512>)
  endif()
  if(ITM_WERROR)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
  endif()
  if(ITM_SANITIZE)
    # GCC's manual: a sanitizer's instrumentation causes false positives of this warning (<regex> has one). Other builds keep it.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized>)
    endif()
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${ITM_SANITIZE}
                                             -fno-omit-frame-pointer -fno-sanitize-recover=all>)
    target_link_options(${target} PRIVATE -fsanitize=${ITM_SANITIZE})
    target_compile_definitions(${target} PRIVATE ITM_SANITIZED=1)
  endif()
endfunction()

# itm_optimise_little(TARGET [UNOPTIMISED_WITH_SANITIZERS]): for code that waits for people and files. -O3 would double what it takes to
# compile, for nothing; with sanitizers -O1 doubles it once more. -Og, what of -O1 is quick to do, takes a fifth less again.
function(itm_optimise_little target)
  target_compile_options(${target} PRIVATE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>:-Og>)
  if(ITM_SANITIZE AND "UNOPTIMISED_WITH_SANITIZERS" IN_LIST ARGN)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-O0>)
  endif()
endfunction()

# CMake before 3.26 does not know how to ask nvcc for C++20.
if(ITM_HAVE_CUDA AND NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
endif()

# itm_precompile(TARGET [REUSE OTHER] [header...]): the headers that most sources include and that take longest to read, read
# once. GCC's and clang's own caches need to be told that this is safe.
function(itm_precompile target)
  cmake_parse_arguments(PARSE_ARGV 1 precompile "" "REUSE" "")
  if(precompile_REUSE)
    target_precompile_headers(${target} REUSE_FROM ${precompile_REUSE})
  else()
    set(headers algorithm cmath cstdint filesystem functional map memory mutex optional set string vector fmt/format.h fmt/ranges.h
                nlohmann/json.hpp ${precompile_UNPARSED_ARGUMENTS})
    list(TRANSFORM headers PREPEND "$<$<COMPILE_LANGUAGE:CXX>:<")
    list(TRANSFORM headers APPEND ">>")
    target_precompile_headers(${target} PRIVATE ${headers})
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
  endif()
endfunction()

# itm_unite(TARGET [SIZE]): with ITM_UNITY its sources are compiled several at a time, SIZE of them or those of a room. What every
# source instantiates of the headers' templates, more than its own code, is then done once. Private names are those of a room.
function(itm_unite target)
  if(NOT ITM_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-shadow>)  # of a name in another source
  # GCC collects its garbage at every 128 MiB and a third: a seventh of what such a unit takes, to save a sixth of 1 GiB.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:--param=ggc-min-heapsize=1500000>)
  endif()
  if(ARGC GREATER 1)
    set_target_properties(${target} PROPERTIES UNITY_BUILD_BATCH_SIZE ${ARGV1})
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
  # Private parts of what a header declares, and names that another library of the room has too.
  set(alone core/work_pool.cpp engine/cpu_itm_engine.cpp engine/evolution.cpp)
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/src OUTPUT_VARIABLE name)
    if(name IN_LIST alone)
      set_source_files_properties(${source} TARGET_DIRECTORY ${target} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    elseif(source MATCHES "/src/([a-z/]+)/[^/]*$")
      string(REPLACE "/" "_" room ${CMAKE_MATCH_1})
      set_source_files_properties(${source} TARGET_DIRECTORY ${target} PROPERTIES UNITY_GROUP ${room})
    endif()
  endforeach()
endfunction()
