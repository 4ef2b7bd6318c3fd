# ccache where it is installed, for everything that is compiled from here on.
find_program(ITM_CCACHE ccache)
if(ITM_CCACHE)
  cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH itm_root)
  # Precompiled headers may differ in macros that they do not use; another checkout has the same sources elsewhere.
  set(itm_launcher env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${itm_root} CCACHE_NOHASHDIR=1 ${ITM_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${itm_launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${itm_launcher})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${itm_launcher})
endif()
