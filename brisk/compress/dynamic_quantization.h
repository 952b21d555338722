#pragma once

/// Products whose activations are rounded as they come: 8-bit integers without calibration.

#include "brisk/compress/quantize_model.h"

namespace brisk {

/// `folded` with its matrix products by weights in integers: weights i8 by channel, each row of the
/// left operand i8 by its own greatest magnitude, found when the model runs; results, biases and
/// all else stay f32, and so do convolutions and products whose label is one of `float_layers`.
/// `rounded`: weights that are rounded otherwise than to the nearest integer.
QuantizedModel quantize_dynamically(const Model& folded,
                                    const std::set<std::string, std::less<>>& float_layers = {},
                                    const RoundedFilters& rounded = {});

}  // namespace brisk
