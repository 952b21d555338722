#pragma once

/// NVRTC, the compiler for CUDA C++ at run time (libnvrtc.so): the only door to it. Declares what
/// brisk calls of it (https://docs.nvidia.com/cuda/nvrtc), version 12.0 and newer. It needs no
/// device and no driver.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/backends/cuda/api/entry_points.h"

namespace brisk::cuda {

/// nvrtcResult; 0 is success.
using NvrtcStatus = int;
using NvrtcProgram = struct _nvrtcProgram*;

struct Nvrtc {
  NvrtcStatus (*version)(int* major, int* minor);
  const char* (*get_error_string)(NvrtcStatus status);
  NvrtcStatus (*create_program)(NvrtcProgram* program, const char* source, const char* name,
                                int num_headers, const char* const* headers,
                                const char* const* include_names);
  NvrtcStatus (*destroy_program)(NvrtcProgram* program);
  NvrtcStatus (*compile_program)(NvrtcProgram program, int num_options, const char* const* options);
  NvrtcStatus (*get_program_log_size)(NvrtcProgram program, size_t* bytes);
  NvrtcStatus (*get_program_log)(NvrtcProgram program, char* log);
  NvrtcStatus (*get_cubin_size)(NvrtcProgram program, size_t* bytes);
  NvrtcStatus (*get_cubin)(NvrtcProgram program, char* cubin);
  NvrtcStatus (*get_num_supported_archs)(int* count);
  NvrtcStatus (*get_supported_archs)(int* architectures);

  /// What `version` says: 13, 0.
  int major = 0, minor = 0;
  /// The file that the loader took.
  std::string path;
};

/// NVRTC, opened once a process; the sentence why there is none: no library, too old.
Result<const Nvrtc*> nvrtc();

struct NvrtcOutput {
  std::string cubin;
  std::string log;  ///< warnings, and what "-Xptxas=-v" says
};
/// Compiles one translation unit to a cubin for `architecture` ("sm_90a"). Fails with the
/// compiler's log. May be called by several threads at a time.
Result<NvrtcOutput> compile_to_cubin(std::string_view source, std::string_view architecture,
                                     const std::vector<std::string>& options = {});

}  // namespace brisk::cuda
