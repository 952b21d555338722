#pragma once

/// Transposing blocks of 4-byte elements in registers. One set per instruction set.

#include <cstdint>

#include "brisk/backends/cpu/kernels/kernel_isa.h"

namespace brisk::cpu {

struct TransposeLoops {
  /// to[column * to_pitch + row] = from[row * from_pitch + column]; pitches in elements.
  void (*transpose)(const float* from, int64_t from_pitch, float* to, int64_t to_pitch,
                    int64_t rows, int64_t columns);
};

/// Null without vector loops for this processor.
const TransposeLoops* transpose_loops(KernelIsa isa);

}  // namespace brisk::cpu
