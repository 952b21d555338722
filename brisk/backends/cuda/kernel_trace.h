#pragma once

/// Which kernels the device ran and for how long, by its own clock: CUPTI's activity records.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "brisk/base/error.h"

namespace brisk::cuda {

/// One kernel, copy or fill that the device has run.
struct TracedKernel {
  uint64_t mark = 0;  ///< that was set when it was launched
  std::string name;   ///< readable: "max_pool", "copy", "fill"
  double milliseconds = 0;
};

/// Records while it lives; one at a time in a process. Launches of the thread that marks belong to
/// its mark, those of other threads to none and are left out.
class KernelTrace {
 public:
  /// Fails with the sentence why there is none: no CUPTI, no permission, another profiler.
  static Result<std::unique_ptr<KernelTrace>> begin();
  virtual ~KernelTrace() = default;
  /// Launches from now on are of `number`.
  virtual void mark(uint64_t number) = 0;
  /// Launches from now on are of nothing.
  virtual void unmark() = 0;
  /// All since the last call, in order. What was launched must have ended.
  virtual std::vector<TracedKernel> take() = 0;
};

/// A kernel's name as its author wrote it: demangled, without its arguments.
std::string readable_kernel_name(const char* name);

}  // namespace brisk::cuda
