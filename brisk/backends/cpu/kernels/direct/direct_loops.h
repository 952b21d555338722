#pragma once

/// The inner loops of convolution with few input channels, one result row at a time. One set per
/// instruction set.

#include <cstdint>

#include "brisk/backends/cpu/kernels/kernel_isa.h"

namespace brisk::cpu {

struct DirectShape {
  int64_t channels, filters, kernel_height, kernel_width, stride_x, result_width;
};

struct DirectEpilogue {
  const float* bias;      ///< [filters] or null
  const float* residual;  ///< as the result, or null
  bool relu, relu6 = false;
};

struct DirectLoops {
  /// Floats that a filter [taps, filters] takes when packed, and between rows of sums.
  int64_t (*padded_filters)(int64_t filters);
  void (*pack_filter)(const float* filter, int64_t taps, int64_t filters, float* packed);
  /// `rows[ky]` is the input row that tap row ky meets, from the place that tap 0 meets at result
  /// column 0; null where it is padding. The residual and the result are rows of results.
  void (*forward_row)(const DirectShape& s, const float* const* rows, const float* packed,
                      const DirectEpilogue& epilogue, float* result);
  /// sums [taps, padded_filters] += the row's share. `edge` [result_width, lanes]: scratch.
  void (*filter_gradient_row)(const DirectShape& s, const float* const* rows, const float* gradient,
                              float* edge, float* sums);
  int lanes;
};

const DirectLoops& direct_loops(KernelIsa isa);

}  // namespace brisk::cpu
