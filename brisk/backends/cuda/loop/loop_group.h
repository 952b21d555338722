#pragma once

/// Flat loops that differ in nothing but their size, as one kernel: elements one by one, and folds
/// of all of them. Each block belongs to one loop and finds its buffers and size in a table that is
/// the kernel's argument, by value, so that nothing is uploaded and a captured graph holds it.
/// Where there are more loops than a table holds, there are several launches. Blocks of one loop
/// leave partial folds in the workspace, the last to arrive combines them in order of blocks.

#include <span>

#include "brisk/backends/cuda/code_library.h"
#include "brisk/backends/cuda/loop/device_loop_plan.h"

namespace brisk::cuda {

struct LoopGroup {
  LoopProgram program;            ///< of the largest loop
  LoopStage stage;                ///< what a block does: lanes, unroll, threads
  std::vector<int64_t> elements;  ///< of each loop

  int64_t buffers() const { return program.num_operands + program.num_results; }
  bool folds() const { return !program.reductions.empty(); }
  int64_t blocks_of(size_t loop) const;
  /// 64-bit words of a loop in the table: its buffers; elements and first block; blocks and
  /// nothing.
  int64_t words_of_loop() const { return buffers() + 2; }
  /// Loops that one launch takes.
  int64_t capacity() const;
  /// Of partial folds, for a launch of so many blocks.
  int64_t workspace_bytes(int64_t blocks) const;
};

/// Fails with the reason why they can't be one kernel.
Result<LoopGroup> make_loop_group(std::vector<LoopProgram> programs,
                                  const DeviceProperties& device);

KernelSource group_source(const LoopGroup& group);

}  // namespace brisk::cuda
