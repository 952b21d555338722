#pragma once

/// From the region of a "fused_loop" to a loop program.

#include "brisk/backends/loop/loop_program.h"
#include "brisk/base/error.h"
#include "brisk/ir/graph.h"

namespace brisk {

/// Buffers of the program are the region's inputs, then its outputs, all dense and row-major. Fails
/// with the reason where the region has no such form (an op without scalar rule, two iteration
/// spaces, 4-bit elements). Values between ops of a short float type stay in f32; a cast to one
/// rounds.
Result<LoopProgram> make_loop_program(const Graph& region);

}  // namespace brisk
