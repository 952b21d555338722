# Builds from nothing are fast by a precompiled header and by batches: sources of one folder that are
# compiled as one. Through a compiler launcher such as ccache each source is compiled alone instead,
# since neither is ever found again there, and editing one source compiles no other:
#
#     CMAKE_CXX_COMPILER_LAUNCHER=ccache cmake --preset release
set(batches_default ON)
if(CMAKE_CXX_COMPILER_LAUNCHER)
  set(batches_default OFF)
endif()
option(BRISK_BATCHES "Precompiled headers and sources compiled in batches" ${batches_default})

# Folders in which files use the same names for their own helpers (infer, vjp), because each
# defines one op: their files are compiled alone.
set(BRISK_UNBATCHED
  backends/cuda/api backends/cuda/cudnn backends/cuda/kernels ops/composite ops/control ops/convolve ops/fused ops/move
  ops/reduce ops/window)

# brisk_batches(TARGET SOURCE...): both, where they are on. The sources lie below brisk/.
function(brisk_batches target)
  if(NOT BRISK_BATCHES)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <atomic> <charconv> <cmath> <cstring> <filesystem> <fstream> <functional> <map>
    <memory> <mutex> <optional> <set> <span> <string> <thread> <unordered_map> <variant> <vector>
    <fmt/format.h> "${CMAKE_SOURCE_DIR}/brisk/base/error.h" "${CMAKE_SOURCE_DIR}/brisk/ir/builder.h"
    "${CMAKE_SOURCE_DIR}/brisk/ir/program.h")
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(source IN LISTS ARGN)
    get_filename_component(folder "${source}" DIRECTORY)
    file(RELATIVE_PATH folder "${CMAKE_SOURCE_DIR}/brisk" "${folder}")
    if(folder IN_LIST BRISK_UNBATCHED)
      continue()
    endif()
    string(MAKE_C_IDENTIFIER "${folder}" name)
    if(NOT DEFINED count_${name})
      set(count_${name} 0)
    endif()
    math(EXPR batch "${count_${name}} / 8")
    math(EXPR count_${name} "${count_${name}} + 1")
    set_source_files_properties("${source}" PROPERTIES UNITY_GROUP "${name}_${batch}")
  endforeach()
endfunction()
