# oneDNN as the target `brisk_onednn`, of this build and of an installed tree. Its own package file
# is not asked: on Debian it demands OpenCL's headers, which nothing here uses.
find_path(BRISK_ONEDNN_INCLUDE_DIR NAMES oneapi/dnnl/dnnl.hpp)
find_library(BRISK_ONEDNN_LIBRARY NAMES dnnl)
mark_as_advanced(BRISK_ONEDNN_INCLUDE_DIR BRISK_ONEDNN_LIBRARY)
if(NOT BRISK_ONEDNN_INCLUDE_DIR OR NOT BRISK_ONEDNN_LIBRARY)
  message(FATAL_ERROR "brisk needs oneDNN (Debian: libdnnl-dev); -DBRISK_ONEDNN=OFF builds without")
endif()
if(NOT TARGET brisk_onednn)
  add_library(brisk_onednn UNKNOWN IMPORTED)
  set_target_properties(brisk_onednn PROPERTIES
    IMPORTED_LOCATION "${BRISK_ONEDNN_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${BRISK_ONEDNN_INCLUDE_DIR}")
endif()
