#pragma once

/// Passes: pure functions from program to program, and the one runner that times, dumps, verifies
/// and switches them off by name.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "brisk/ir/program.h"

namespace brisk {

/// When a pass may run; the runner checks that a pipeline's phases never go back.
enum class Phase : uint8_t {
  model,          ///< forward graph as the user wrote it
  meaning,        ///< changes what is computed: mixed precision, masks, fake quantisation
  differentiate,  ///< gradients joined
  step,           ///< optimizer, accumulation joined; state donated
  lower,          ///< same results within the tolerance table: simplify, layout, fusion
  plan,           ///< schedule and memory
};
std::string_view name(Phase phase);

/// What the backend that the program is lowered for can do; passes ask this, never a device.
struct LoweringTarget {
  std::string name = "reference";
  bool fused_loops = false;  ///< compiles "fused_loop" regions
  /// ... that read a fold's result at every point (softmax), along rows of at most so many
  /// elements: what stays near from one phase to the next; 0: none do.
  int64_t longest_fused_row = 0;
  bool loop_groups = false;        ///< runs a "loop_group" as one launch
  bool fused_convolution = false;  ///< has kernels for "fused_convolution"
  bool fused_dot = false;
  bool fused_relu6 = false;  ///< both of them end with relu6, too
  /// Composite ops the backend has kernels for; all others are decomposed.
  std::set<std::string, std::less<>> native_composites;
  /// Of those, which nodes: false sends one to its decomposition. Empty: all of them.
  std::function<bool(const Node&, std::span<const Type> operands)> takes_composite;
  /// Ascending: an image of fewer channels than the last, in a short type, is padded to the first
  /// of these that holds them for a convolution without groups (pad_channels); empty: never.
  std::vector<int64_t> channel_steps;
  /// Products of f32 round their operands (TF32), so f32 counts among the short types in what is
  /// asked of convolutions.
  bool tf32 = false;
  /// Element types in which convolutions and contractions are slow: f32 takes their place
  /// (widen_products).
  std::set<DType> slow_products;
  bool folds_batch_norm = false;  ///< inference's goes into filters and biases (fold_batch_norm)
  /// Element types in which batch norm behind a convolution is trained in parts (fuse_batch_norm).
  std::set<DType> batch_norm_parts;
  /// Element types in which it is taken through 1x1 convolutions (batch_norm_through_pointwise).
  std::set<DType> batch_norm_through_pointwise;
  /// ... where the batch has at least so many places a filter: below, products of channels cost
  /// more than passes over the convolution's result.
  int64_t places_through_pointwise = 0;
};

struct PassContext {
  LoweringTarget target;
  std::set<std::string, std::less<>> disabled;  ///< passes switched off by name
  std::string dump_directory;  ///< where changed programs are written; empty: nowhere
  bool verify = true;          ///< verify after every pass
};

struct Pass {
  std::string name;
  Phase phase;
  std::function<Program(Program, const PassContext&)> run;
  /// True for passes without which nothing runs (inlining calls): they cannot be switched off.
  bool required = false;
};

struct PassReport {
  std::string name;
  double milliseconds = 0;
  int64_t nodes_before = 0, nodes_after = 0;
  bool changed = false;
  bool skipped = false;  ///< switched off
};

/// Runs one pass and appends what happened to `reports` (if given).
Program run_pass(Program program, const Pass& pass, const PassContext& context,
                 std::vector<PassReport>* reports = nullptr);
/// Runs a list in order; refused when a name in `disabled` is unknown or required, or a phase goes
/// back.
Program run_pipeline(Program program, std::span<const Pass> passes, const PassContext& context,
                     std::vector<PassReport>* reports = nullptr);

/// The lowering passes, in order: the table of contents (brisk/passes/pipeline.cpp). Callers copy
/// and extend it.
std::vector<Pass> lowering_pipeline();

}  // namespace brisk
