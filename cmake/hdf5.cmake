# HDF5's C library as the target `brisk_hdf5`, of this build and of an installed tree. CMake's own
# module runs HDF5's compiler wrapper and adds its flags to everything; one file needs one folder.
find_path(BRISK_HDF5_INCLUDE_DIR NAMES hdf5.h PATH_SUFFIXES hdf5/serial)
find_library(BRISK_HDF5_LIBRARY NAMES hdf5_serial hdf5)
mark_as_advanced(BRISK_HDF5_INCLUDE_DIR BRISK_HDF5_LIBRARY)
if(NOT BRISK_HDF5_INCLUDE_DIR OR NOT BRISK_HDF5_LIBRARY)
  message(FATAL_ERROR "brisk needs HDF5 (Debian: libhdf5-dev)")
endif()
if(NOT TARGET brisk_hdf5)
  add_library(brisk_hdf5 UNKNOWN IMPORTED)
  set_target_properties(brisk_hdf5 PROPERTIES IMPORTED_LOCATION "${BRISK_HDF5_LIBRARY}")
endif()
