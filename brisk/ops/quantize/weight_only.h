#pragma once

/// Products of floats with weights in 8-bit integers: weight-only quantization.

#include "brisk/ir/builder.h"

namespace brisk {

/// (lhs x rhs) * scale of lhs f32 or bf16 [..., m, k], rhs i8 [k, n] and scale f32 [n], as f32
/// [..., m, n]. Products and sums are f32; what is rounded of the activations is rounded before, by
/// a cast of lhs to bf16.
Value weight_only_dot(Value lhs, Value rhs, Value scale);

}  // namespace brisk
