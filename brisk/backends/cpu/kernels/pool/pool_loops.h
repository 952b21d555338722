#pragma once

/// The inner loops of pooling, NHWC, vectorised over channels. One set per instruction set.

#include <cstdint>

#include "brisk/backends/cpu/kernels/kernel_isa.h"

namespace brisk::cpu {

struct PoolShape {
  int64_t height, width, channels;  ///< of the input
  int64_t result_height, result_width;
  int64_t window_y, window_x, stride_y, stride_x;
  int64_t pad_y, pad_x;  ///< before the first row and column; may be negative
};

/// Every loop computes rows [begin, end) of its result, counted over the whole batch. Values are
/// of the loops' own storage type.
struct PoolLoops {
  void (*max)(const PoolShape& s, const void* x, int64_t begin, int64_t end, void* values,
              uint8_t* positions);
  void (*max_gradient)(const PoolShape& s, const void* gradient, const uint8_t* positions,
                       int64_t begin, int64_t end, void* input_gradient);
  void (*max_select)(const PoolShape& s, const void* x, const uint8_t* positions, int64_t begin,
                     int64_t end, void* selected);
  /// `weights` [result_height, result_width]: what a window's sum is multiplied with.
  void (*average)(const PoolShape& s, const void* x, const float* weights, int64_t begin,
                  int64_t end, void* means);
  void (*average_gradient)(const PoolShape& s, const void* gradient, const float* weights,
                           int64_t begin, int64_t end, void* input_gradient);
};

/// By storage type; of 8-bit integers there are maxima alone.
struct PoolLoopSet {
  PoolLoops f32, bf16, f16, u8, i8;
};

const PoolLoopSet& pool_loops(KernelIsa isa);

}  // namespace brisk::cpu
