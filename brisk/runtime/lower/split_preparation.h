#pragma once

/// A lowered program in two: what depends only on state that no run changes (inference's weights:
/// folded batch norm, casts, other layouts) and is computed once for each set of weights, and the
/// rest, which reads its results as if they were state.

#include <optional>

#include "brisk/ir/program.h"

namespace brisk {

struct SplitProgram {
  /// Inputs: the program's state entries, in order. Outputs: the prepared values.
  Graph preparation;
  /// The program with `preparation`'s outputs as state entries of their own, behind those it has.
  Program program;
};

/// Nothing where no work depends on constant state alone. Left in the program: random numbers,
/// control flow, and what makes much of little (a broadcast), which would only take memory.
std::optional<SplitProgram> split_preparation(const Program& program);

}  // namespace brisk
