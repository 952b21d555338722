#pragma once

// The loop of transpose_loops.h, compiled once for each instruction set. Elements are moved as
// floats, whatever their type: nothing is computed, so that all bits stay.

#include "brisk/backends/cpu/kernels/move/transpose_loops.h"
#include "brisk/backends/cpu/kernels/transpose_lanes.h"

namespace brisk::cpu {
namespace {

void transpose_floats(const float* from, int64_t from_pitch, float* to, int64_t to_pitch,
                      int64_t rows, int64_t columns) {
  int64_t column = 0;
  for (; column + kLanes <= columns; column += kLanes) {
    int64_t row = 0;
    for (; row + kLanes <= rows; row += kLanes) {
      Lanes block[kLanes];
      for (int i = 0; i < kLanes; ++i) block[i] = load(from + (row + i) * from_pitch + column);
      transpose_lanes(block);
      for (int i = 0; i < kLanes; ++i) store(to + (column + i) * to_pitch + row, block[i]);
    }
    for (; row < rows; ++row)
      for (int i = 0; i < kLanes; ++i)
        to[(column + i) * to_pitch + row] = from[row * from_pitch + column + i];
  }
  for (; column < columns; ++column)
    for (int64_t row = 0; row < rows; ++row)
      to[column * to_pitch + row] = from[row * from_pitch + column];
}

constexpr TransposeLoops kTransposeLoops{.transpose = transpose_floats};

}  // namespace
}  // namespace brisk::cpu
