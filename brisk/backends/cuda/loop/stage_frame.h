#pragma once

/// What the writers of all forms of stages share: the kernel's frame, index arithmetic, folds.

#include <string>
#include <vector>

#include "brisk/backends/cuda/loop/line_writer.h"

namespace brisk::cuda {

struct StageFrame {
  const LoopProgram& program;
  const DeviceLoopPlan& plan;
  const LoopStage& stage;
  LineWriter lines;

  StageFrame(const LoopProgram& p, const DeviceLoopPlan& q, const LoopStage& s)
      : program(p), plan(q), stage(s), lines(p, q, s) {}

  size_t inner_axis() const { return program.axes.size() - 1; }
  int64_t inner_size() const { return program.axes.back().size; }
  /// Axes but the innermost for which `take` holds.
  template <typename F>
  std::vector<size_t> outer_axes(F&& take) const {
    std::vector<size_t> axes;
    for (size_t a = 0; a < inner_axis(); ++a)
      if (take(a)) axes.push_back(a);
    return axes;
  }
  int64_t count(const std::vector<size_t>& axes) const;
  static uint64_t bits(const std::vector<size_t>& axes);
  /// Declares `c<axis>` from one row-major number over `axes`. Sizes are known when the kernel is
  /// compiled, so the divisions become multiplications.
  std::string coordinates(const std::vector<size_t>& axes, const std::string& number) const;
  /// The `number`-th of `count` in the order of the stage.
  std::string turned(const std::string& number, int64_t count) const;

  /// Reductions that are folded in `phase`.
  std::vector<size_t> reductions_of(int32_t phase) const;
  DType type_of(size_t reduction) const;
  std::string identity(size_t reduction) const;
  /// A function object.
  std::string combiner(size_t reduction) const;
  /// "T a<r>[lanes]" set to the identity.
  std::string accumulators(const std::vector<size_t>& reductions, int32_t lanes) const;
  /// For use at points: a<r>[v] with the line's value combined in.
  std::string accumulate(const std::vector<size_t>& reductions) const;

  std::string kernel(const std::string& body) const;
};

/// Forms whose threads have a place on the innermost axis and go through rows.
std::string rows_body(StageFrame& frame);
/// Forms whose threads go through vectors along the innermost axis.
std::string vectors_body(StageFrame& frame);
std::string row_body(StageFrame& frame);

}  // namespace brisk::cuda
