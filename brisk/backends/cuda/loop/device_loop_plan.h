#pragma once

/// How a loop program is run on the device: one kernel or several ("stages"), their grids, vector
/// widths and workspace. Plain data; `stage_source` (stage_source.h) writes the kernels from it.
///
///   pointwise    every point once. Of several axes, each thread keeps its place on the innermost
///                axis (what depends on it alone, channel parameters, stays in registers) and goes
///                through the rows; of one axis, threads share it out vector by vector;
///   row          the innermost axis is reduced, kept indices are many: a group of threads takes
///   one
///                kept index through all phases, its points in registers where they fit;
///   row_fold     the same axes, kept indices are few: one phase, several blocks a kept index;
///   column_fold  the innermost axis is kept: one phase, threads hold accumulators of their place
///                on the innermost axis and go through the reduced axes.
/// Blocks of a fold leave partial results in the workspace, the last to arrive combines them in
/// order of blocks, so results are equal in every run. After a fold, the lines that need only its
/// result are computed by that block; what needs it at every point is a later stage.
///
/// What a kernel read or wrote last is still in L2 when the next one starts, and the libraries'
/// kernels go upwards. So a loop's first stage begins at the end, and each stage where the one
/// before it ended.

#include <cstdint>
#include <string>
#include <vector>

#include "brisk/backends/cuda/device.h"
#include "brisk/backends/loop/loop_phases.h"
#include "brisk/backends/loop/loop_program.h"

namespace brisk::cuda {

struct LoopStage {
  enum class Form : uint8_t { pointwise, row, row_fold, column_fold };
  Form form = Form::pointwise;
  int32_t phase = 0;          ///< row: all of them
  int32_t lanes = 1;          ///< elements of one vector along the innermost axis
  int32_t unroll = 1;         ///< vectors that a thread loads before it uses the first
  int32_t inner_threads = 1;  ///< of a block, side by side along the innermost axis (row, row_fold:
                              ///< that share one kept index)
  int32_t outer_threads = 1;  ///< of a block, each with rows (row: kept indices) of its own
  int64_t chunks = 1;         ///< blocks along the innermost axis
  int64_t parts = 1;          ///< blocks that share the rows
  int64_t fixed =
      1;  ///< kept indices (row: groups of outer_threads of them) with blocks of their own
  int32_t registers =
      0;  ///< row: vectors of a kept index that each thread holds; 0: read again each phase
  bool descending = false;  ///< not row: from the last row or vector to the first

  int32_t threads() const { return inner_threads * outer_threads; }
  int64_t grid() const { return chunks * parts * fixed; }
};

std::string_view name(LoopStage::Form form);

struct DeviceLoopPlan : LoopPhases {
  std::vector<LoopStage> stages;  ///< in order; none where there is nothing to write
  bool wide_index = false;        ///< offsets need 64 bits
  int64_t kept = 1;               ///< kept indices
  int64_t workspace_bytes = 0;
  std::vector<int64_t> partial_offset;  ///< of each reduction: [parts, kept] in the workspace
  std::vector<int64_t> export_offset;   ///< of each export: [kept] in the workspace
  int64_t counters = 0;                 ///< u32 that are zero before and after each run
};

/// The program as it is run: where a loop would read its points again for a variance, in one pass.
LoopProgram device_loop_program(const LoopProgram& program, const DeviceProperties& device);

DeviceLoopPlan plan_device_loop(const LoopProgram& program, const DeviceProperties& device);

/// Whether `count` elements from `at` on, beside each other along the innermost axis, can be
/// accessed by whole vectors: stride 1 and every vector aligned to its size (16 bytes at most).
bool is_vector_access(const LoopProgram& program, const AffineIndex& at, int64_t element_bytes,
                      int32_t count);

}  // namespace brisk::cuda
