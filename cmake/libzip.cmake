# libzip as the target `brisk_libzip`, of this build and of an installed tree. Its own package file
# is not asked: on Debian it demands libzip's command-line tools.
find_path(BRISK_LIBZIP_INCLUDE_DIR NAMES zip.h)
find_library(BRISK_LIBZIP_LIBRARY NAMES zip)
mark_as_advanced(BRISK_LIBZIP_INCLUDE_DIR BRISK_LIBZIP_LIBRARY)
if(NOT BRISK_LIBZIP_INCLUDE_DIR OR NOT BRISK_LIBZIP_LIBRARY)
  message(FATAL_ERROR "brisk needs libzip (Debian: libzip-dev)")
endif()
if(NOT TARGET brisk_libzip)
  add_library(brisk_libzip UNKNOWN IMPORTED)
  set_target_properties(brisk_libzip PROPERTIES IMPORTED_LOCATION "${BRISK_LIBZIP_LIBRARY}")
endif()
