#pragma once

// A square block of kLanes x kLanes floats transposed in registers. Interleaving row i with row
// i + kLanes / 2 for all i, log2(kLanes) times, is a transpose.

#include "brisk/backends/cpu/kernels/lanes.h"

namespace brisk::cpu {
namespace {

BRISK_INLINE Lanes interleave_low(Lanes a, Lanes b) {
#ifdef __AVX512F__
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#else
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
#endif
}
BRISK_INLINE Lanes interleave_high(Lanes a, Lanes b) {
#ifdef __AVX512F__
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                 31);
#else
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#endif
}

inline void transpose_lanes(Lanes (&rows)[kLanes]) {
  Lanes other[kLanes];
  for (int step = 1; step < kLanes; step *= 2) {
    for (int i = 0; i < kLanes / 2; ++i) {
      other[2 * i] = interleave_low(rows[i], rows[i + kLanes / 2]);
      other[2 * i + 1] = interleave_high(rows[i], rows[i + kLanes / 2]);
    }
    for (int i = 0; i < kLanes; ++i) rows[i] = other[i];
  }
}

}  // namespace
}  // namespace brisk::cpu
