#pragma once

/// The shape rule that all pooling ops share.

#include <string_view>

#include "brisk/ops/window/window.h"

namespace brisk {

/// The shape that pooling `input` [batch, spatial..., channels] gives; refused in the name of `op`
/// where the window does not fit.
Shape pooled_shape(std::string_view op, const Shape& input, const WindowAttributes& attributes);

/// Refuses in the name of `op` unless `given` is what pooling `input` gives.
void require_pooled(std::string_view op, const Shape& given, const Shape& input,
                    const WindowAttributes& attributes);

/// Refuses windows of more places than a position (u8) can tell apart.
void require_positions(std::string_view op, const TensorType& positions,
                       const WindowAttributes& attributes);

/// Whether every window holds an element of the input: one wholly inside the padding drops its
/// gradient.
bool windows_reach_input(const WindowGradientAttributes& attributes);

}  // namespace brisk
