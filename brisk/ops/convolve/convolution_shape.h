#pragma once

/// What is to be said of the shapes of a convolution and its two gradients.

#include <span>
#include <string_view>

#include "brisk/ops/convolve/convolve.h"

namespace brisk {

/// The result's shape of a convolution of `input` [batch, spatial..., channels] with `filter`
/// [kernel..., channels / groups, filters]; refused in the name of `op` where they do not fit.
Shape convolution_shape(std::string_view op, const Shape& input, const Shape& filter,
                        const ConvolutionAttributes& attributes);

/// The element type that both operands have; refused in the name of `op` where they differ.
DType convolution_dtype(std::string_view op, const Type& a, const Type& b);

/// Whether strides, dilations or a padding are `value` along every axis.
bool all_are(std::span<const int64_t> values, int64_t value);

/// is_pointwise but for strides: the places that it reads.
bool is_pointwise_with_strides(const ConvolutionAttributes& attributes, const Shape& filter);

/// It multiplies the channels at each place by one matrix: a 1x1 filter, no strides, no padding, no
/// groups.
bool is_pointwise(const ConvolutionAttributes& attributes, const Shape& filter);

}  // namespace brisk
