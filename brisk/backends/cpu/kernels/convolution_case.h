#pragma once

/// One convolution as kernels see it: plain numbers, whichever of the ops it comes from.

#include "brisk/backends/cpu/kernel.h"
#include "brisk/base/error.h"
#include "brisk/ops/convolve/convolve.h"

namespace brisk::cpu {

/// Two spatial axes; one spatial axis is taken as a height of 1.
struct ConvolutionCase {
  enum class Role : uint8_t { forward, input_gradient, filter_gradient };

  Role role = Role::forward;
  int64_t batch = 0, channels = 0, filters = 0, groups = 1;
  int64_t height = 0, width = 0;  ///< of the input
  int64_t kernel_height = 0, kernel_width = 0;
  int64_t result_height = 0, result_width = 0;
  int64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
  int64_t pad_y = 0, pad_x = 0;  ///< before the first row and column; may be negative
  int64_t pad_end_y = 0, pad_end_x = 0;
  bool bias = false, residual = false, relu = false, relu6 = false;

  int64_t input_image() const { return height * width * channels; }
  int64_t result_image() const { return result_height * result_width * filters; }
  bool is_depthwise() const { return groups > 1 && groups == channels; }
  /// Multiplications and additions of the definition, paddings counted.
  double flops() const;
};

/// The numbers of a forward convolution of these types, whatever their elements and its epilogue.
/// Fails with the reason where a tensor is empty or has more than two spatial axes.
Result<ConvolutionCase> convolution_plane(const Type& input, const Type& filter, const Type& result,
                                          const ConvolutionAttributes& convolution);

/// Reads "convolution", "fused_convolution" and the two gradients. Fails with the reason where a
/// tensor is not of `type`, is empty, or has more than two spatial axes.
Result<ConvolutionCase> convolution_case(const KernelRequest& request, DType type = DType::f32);

}  // namespace brisk::cpu
