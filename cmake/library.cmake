# One static library `brisk` from all layers but the program's own (cli). Sources are found by
# globbing, so that no source can be forgotten; CONFIGURE_DEPENDS keeps the build honest.

find_package(fmt REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
include(cmake/libzip.cmake)
include(cmake/hdf5.cmake)

set(sources "")
foreach(layer IN LISTS BRISK_LAYERS)
  if(layer STREQUAL "cli")
    continue()
  endif()
  file(GLOB_RECURSE found CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/brisk/${layer}/*.cpp")
  list(APPEND sources ${found})
endforeach()
list(FILTER sources EXCLUDE REGEX "/backends/cpu/llvm/")
if(NOT BRISK_ONEDNN)
  list(FILTER sources EXCLUDE REGEX "/backends/cpu/onednn/")
endif()

set_source_files_properties("${CMAKE_SOURCE_DIR}/brisk/formats/keras/hdf5.cpp" PROPERTIES
  INCLUDE_DIRECTORIES "${BRISK_HDF5_INCLUDE_DIR}")

include(cmake/kernels.cmake)
add_library(brisk STATIC ${sources})
add_library(brisk::brisk ALIAS brisk)
target_include_directories(brisk PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>
                                        $<INSTALL_INTERFACE:include>)
target_link_libraries(brisk
  PUBLIC fmt::fmt Threads::Threads
  PRIVATE nlohmann_json::nlohmann_json yaml-cpp JPEG::JPEG PNG::PNG ZLIB::ZLIB brisk_libzip brisk_hdf5 ${CMAKE_DL_LIBS})
target_compile_options(brisk PRIVATE -Wall -Wextra -Wno-missing-field-initializers)
target_compile_options(brisk PUBLIC $<$<CONFIG:Release>:-fno-math-errno>)
if(BRISK_WERROR)
  target_compile_options(brisk PRIVATE -Werror)
endif()
# A precompiled header and ccache exclude each other: an object made with one is never found again
# from another build folder.
if(NOT CCACHE_PROGRAM)
  target_precompile_headers(brisk PRIVATE
    <algorithm> <functional> <map> <memory> <optional> <span> <string> <variant> <vector> <fmt/format.h>)
endif()

if(BRISK_SANITIZE)
  target_compile_options(brisk PUBLIC -fsanitize=${BRISK_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(brisk PUBLIC -fsanitize=${BRISK_SANITIZE})
endif()
include(cmake/protobuf.cmake)
if(BRISK_OPENMP)
  find_package(OpenMP REQUIRED)
  target_link_libraries(brisk PUBLIC OpenMP::OpenMP_CXX)
  target_compile_definitions(brisk PRIVATE BRISK_HAVE_OPENMP=1)
endif()
if(BRISK_ONEDNN)
  include(cmake/onednn.cmake)
  target_link_libraries(brisk PRIVATE brisk_onednn)
  target_compile_definitions(brisk PRIVATE BRISK_HAVE_ONEDNN=1)
endif()
if(BRISK_LLVM)
  include(cmake/llvm.cmake)
endif()
