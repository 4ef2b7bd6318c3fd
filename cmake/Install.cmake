# Installs the program, the static library, its headers and a package for find_package(itm).
include(CMakePackageConfigHelpers)

set(itm_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/itm)

install(TARGETS itm EXPORT itmTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/itm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
if(TARGET itm_cli)
  install(TARGETS itm_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

install(EXPORT itmTargets NAMESPACE itm:: DESTINATION ${itm_package_dir})
configure_package_config_file(cmake/itmConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/itmConfig.cmake
                              INSTALL_DESTINATION ${itm_package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/itmConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/itmConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/itmConfigVersion.cmake
              cmake/SystemLibraries.cmake DESTINATION ${itm_package_dir})
