#pragma once

/// Device code of one program. Launches add kernels as CUDA C++ source while the schedule is made;
/// then all of it is compiled by NVRTC (or found in the disk cache) and loaded; then launches ask
/// for their functions. Source is header-free: it begins with `device_prelude()`, which gives fixed
/// width integers, half and bfloat16 loads and stores, 16-byte vectors and the scalar mathematics.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/backends/cuda/device.h"
#include "brisk/base/error.h"

namespace brisk::cuda {

/// One `extern "C" __global__` function. Its name in the text is written `$name`, so that equal
/// text is one kernel, whatever its number. Where it calls the prelude's `after_previous`, before
/// it touches memory, it may be launched while the kernel before it still runs.
struct KernelSource {
  std::string stem;  ///< for profiles and dumps: "loop_column", "max_pool"
  std::string text;
};

/// What every translation unit begins with.
std::string_view device_prelude();

struct CodeOptions {
  std::string architecture = "sm_90a";
  bool cache = true;  ///< keep cubins in brisk's cache directory, keyed by source, NVRTC's version,
                      ///< architecture
  std::string dump_directory;  ///< write sources here; empty: nowhere
  int jobs = 0;                ///< compilers at a time; 0: as many as cores
};

/// Compiles sources to cubins without a device (NVRTC needs none): what `CodeLibrary` uses and what
/// tests without a GPU call. One cubin holds several kernels. Fails with the compiler's log.
struct CompiledCode {
  std::vector<std::string> cubins;
  std::vector<size_t> cubin_of;             ///< of each kernel
  std::vector<std::string> function_names;  ///< of each kernel
  int64_t from_cache = 0, compiled = 0;
};
Result<CompiledCode> compile_kernels(const std::vector<KernelSource>& kernels,
                                     const CodeOptions& options);

/// A loaded kernel.
struct DeviceFunction {
  FunctionHandle handle = nullptr;
  bool waits = false;  ///< for the kernel before it, by itself
};

class CodeLibrary {
 public:
  /// Adds a kernel (equal text once); its number for `function`. Before `build` only.
  size_t add(KernelSource source);
  size_t size() const { return kernels_.size(); }
  const std::vector<KernelSource>& kernels() const { return kernels_; }

  /// Compiles and loads everything added; throws UserError with the compiler's log.
  void build(const DevicePtr& device, const CodeOptions& options);
  /// After `build`.
  DeviceFunction function(size_t number) const;
  int64_t from_cache() const { return from_cache_; }
  int64_t compiled() const { return compiled_; }

  CodeLibrary() = default;
  CodeLibrary(const CodeLibrary&) = delete;
  ~CodeLibrary();

 private:
  std::vector<KernelSource> kernels_;
  std::map<std::string, size_t, std::less<>> by_text_;
  DevicePtr device_;
  std::vector<ModuleHandle> modules_;
  std::vector<DeviceFunction> functions_;
  int64_t from_cache_ = 0, compiled_ = 0;
};

}  // namespace brisk::cuda
