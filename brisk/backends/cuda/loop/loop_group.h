#pragma once

/// Flat pointwise loops that differ in nothing but their size, as one kernel: each block belongs to
/// one loop and finds its buffers and size in a table that is the kernel's argument, by value, so
/// that nothing is uploaded and a captured graph holds it. Where a table has more loops than an
/// argument holds, there are several launches.

#include <span>

#include "brisk/backends/cuda/code_library.h"
#include "brisk/backends/cuda/loop/device_loop_plan.h"

namespace brisk::cuda {

struct LoopGroup {
  LoopProgram program;            ///< of the largest loop
  LoopStage stage;                ///< of the same: lanes, unroll, threads
  std::vector<int64_t> elements;  ///< of each loop
  int64_t vectors_of_block() const { return int64_t{stage.threads()} * stage.unroll; }
  int64_t blocks_of(size_t loop) const;
  int64_t buffers() const { return program.num_operands + program.num_results; }
  /// Loops that one launch takes.
  int64_t capacity() const;
};

/// Fails with the reason why they can't be one kernel.
Result<LoopGroup> make_loop_group(std::vector<LoopProgram> programs,
                                  const DeviceProperties& device);

KernelSource group_source(const LoopGroup& group);

}  // namespace brisk::cuda
