#pragma once

/// The inner loops of products of 8-bit integers on processors without instructions of their own
/// for them: bytes are widened to 16 bits, pairs of whose products are added in 32. Exact, and
/// about as fast as f32. One set per instruction set.

#include <cstdint>

#include "brisk/backends/cpu/kernels/convolution_geometry.h"
#include "brisk/backends/cpu/kernels/kernel_isa.h"

namespace brisk::cpu {

/// What the sums become (brisk/ops/quantize/quantize.h).
struct IntegerEpilogue {
  const float *bias, *multiplier;     ///< [channels]
  const uint8_t* residual = nullptr;  ///< as the result, or null
  bool residual_signed = false;
  float residual_scale = 1;
  float product_scale = 0, product_low = 0, product_high = 0;  ///< 0: the product is not rounded
  bool relu = false, relu6 = false;
  float limit = 6;
  float low = 0, high = 0;  ///< of an integer result
  float* floats = nullptr;  ///< the result [rows, channels], one of the two
  uint8_t* integers = nullptr;
  int64_t channels = 0;
};

struct IntegerLoops {
  /// Columns of a panel of packed weights.
  int64_t panel_columns;
  /// `count` bytes as 16 bits each.
  void (*widen)(const uint8_t* from, bool is_signed, int64_t count, int16_t* to);
  /// A matrix i8 [k, n] of rows `pitch` apart as panels [k / 2, panel_columns, 2], zeros beyond n
  /// and k.
  void (*pack)(const int8_t* filter, int64_t k, int64_t n, int64_t pitch, int16_t* packed);
  /// Rows a [rows, 2 * pairs] by the panels [first, last): columns `channel + panel *
  /// panel_columns`, no more than n, of the result's rows from `row` on.
  void (*multiply)(const int16_t* a, int64_t rows, int64_t pairs, const int16_t* packed,
                   int64_t first, int64_t last, int64_t n, const IntegerEpilogue& epilogue,
                   int64_t row, int64_t channel);
  /// Rows [begin, end) of a depthwise convolution, counted over the whole batch; `filter` are whole
  /// numbers [kernel, channels], of fewer taps than make a sum of 2^24.
  void (*depthwise)(const ConvolutionGeometry& s, const uint8_t* input, bool input_signed,
                    const float* filter, const IntegerEpilogue& epilogue, int64_t begin,
                    int64_t end);
};

const IntegerLoops& integer_loops(KernelIsa isa);

}  // namespace brisk::cpu
