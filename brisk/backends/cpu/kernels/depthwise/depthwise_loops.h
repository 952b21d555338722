#pragma once

/// The inner loops of depthwise convolution (each channel with a filter of its own), NHWC,
/// vectorised over channels, a row at a time. One set per instruction set.

#include <cstdint>

#include "brisk/backends/cpu/kernels/convolution_geometry.h"
#include "brisk/backends/cpu/kernels/kernel_isa.h"

namespace brisk::cpu {

struct DepthwiseEpilogue {
  const float* bias;      ///< [channels] or null
  const float* residual;  ///< as the result, or null
  bool relu, relu6 = false;
};

struct DepthwiseLoops {
  /// Rows [begin, end) of the result, counted over the whole batch.
  void (*forward)(const ConvolutionGeometry& s, const float* input, const float* filter,
                  const DepthwiseEpilogue& epilogue, int64_t begin, int64_t end, float* result);
  /// Rows [begin, end) of the input's gradient, counted over the whole batch.
  void (*input_gradient)(const ConvolutionGeometry& s, const float* gradient, const float* filter,
                         int64_t begin, int64_t end, float* input_gradient);
  /// sums [kernel, channels] += the share of result rows [begin, end).
  void (*filter_gradient)(const ConvolutionGeometry& s, const float* input, const float* gradient,
                          int64_t begin, int64_t end, float* sums);
};

const DepthwiseLoops& depthwise_loops(KernelIsa isa);

}  // namespace brisk::cpu
