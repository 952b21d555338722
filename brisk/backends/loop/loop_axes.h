#pragma once

/// Brings a program's axes into loop order and as few as possible.

#include "brisk/backends/loop/loop_program.h"

namespace brisk {

/// `program` has its axes in any order, strides accordingly. Axes of size 1 go away, neighbours
/// that all accesses walk as one become one, and the rest is ordered as LoopProgram wants it, the
/// last axis staying innermost. At least one axis remains.
void arrange_axes(LoopProgram& program);

}  // namespace brisk
