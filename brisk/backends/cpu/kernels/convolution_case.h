#pragma once

/// One convolution as kernels see it: plain numbers, whichever of the ops it comes from.

#include "brisk/backends/cpu/kernel.h"
#include "brisk/backends/cpu/kernels/convolution_geometry.h"
#include "brisk/base/error.h"
#include "brisk/ops/convolve/convolve.h"

namespace brisk::cpu {

struct ConvolutionCase : ConvolutionGeometry {
  enum class Role : uint8_t { forward, input_gradient, filter_gradient };

  Role role = Role::forward;
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
