#pragma once

/// Products whose weights alone are 8-bit integers: weight-only quantization.

#include "brisk/compress/quantize_model.h"

namespace brisk {

/// `folded` with its matrix products by weights as weight_only_dot: weights i8 by channel, what
/// they are multiplied with as it comes (f32), or rounded to bf16 where `activations` says so;
/// results, biases and all else stay f32, and so do convolutions and products whose label is one of
/// `float_layers`. `rounded`: weights that are rounded otherwise than to the nearest integer.
QuantizedModel quantize_weights_only(const Model& folded,
                                     const std::set<std::string, std::less<>>& float_layers = {},
                                     DType activations = DType::f32,
                                     const RoundedFilters& rounded = {});

}  // namespace brisk
