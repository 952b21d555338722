#pragma once

/// The shape rule that convolution and its two gradients share.

#include <string_view>

#include "brisk/ops/convolve/convolve.h"

namespace brisk {

/// The result's shape of a convolution of `input` [batch, spatial..., channels] with `filter`
/// [kernel..., channels / groups, filters]; refused in the name of `op` where they do not fit.
Shape convolution_shape(std::string_view op, const Shape& input, const Shape& filter,
                        const ConvolutionAttributes& attributes);

/// The element type that both operands have; refused in the name of `op` where they differ.
DType convolution_dtype(std::string_view op, const Type& a, const Type& b);

}  // namespace brisk
