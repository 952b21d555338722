# `cmake --install` and `find_package(brisk)`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
