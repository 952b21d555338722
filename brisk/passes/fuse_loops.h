#pragma once

/// Groups elementwise, affine move and reduce ops into "fused_loop" regions, each of which a
/// backend compiles into one loop nest: one pass over memory instead of one per op.

#include "brisk/passes/pass.h"

namespace brisk {

Program fuse_loops(Program program, const PassContext& context);
/// `longest_row`: LoweringTarget::longest_fused_row.
Graph fuse_loops(const Graph& graph, int64_t longest_row);

/// The same without fusion: every loop op becomes a region of its own (with the moves and constants
/// that feed it). What is compiled when `fuse_loops` is switched off.
Graph one_loop_an_op(const Graph& graph);

}  // namespace brisk
