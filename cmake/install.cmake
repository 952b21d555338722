# `cmake --install` and `find_package(brisk)`. The library is static, so what it is linked with has
# to be found again where it is used: brisk-config.cmake asks for it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/brisk)

install(TARGETS brisk EXPORT brisk-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT brisk-targets NAMESPACE brisk:: DESTINATION ${package_dir})
install(DIRECTORY brisk DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h"
  PATTERN "cli" EXCLUDE
  PATTERN "backends" EXCLUDE)
install(FILES cmake/onednn.cmake cmake/libzip.cmake DESTINATION ${package_dir})

if(TARGET brisk_program)
  install(TARGETS brisk_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(BRISK_LLVM_DIR ${CMAKE_INSTALL_LIBDIR}/brisk)
configure_package_config_file(cmake/brisk-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/brisk-config.cmake
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS BRISK_LLVM_DIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/brisk-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/brisk-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/brisk-config-version.cmake
  DESTINATION ${package_dir})
