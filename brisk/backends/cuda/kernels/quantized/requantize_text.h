#pragma once

/// What RequantizeAttributes says, as CUDA C++.

#include <string>

#include "brisk/backends/cuda/kernels/quantized/quantized_problem.h"

namespace brisk::cuda {

/// Declares `finish(i32 sum, f32 bias, f32 multiplier, f32 residual)`: the result as f32, already
/// rounded and saturated where it is stored as an integer. Roundings are those of
/// brisk/ops/quantize/requantize.cpp, one by one: nothing is contracted.
std::string requantize_text(const RequantizeAttributes& attributes);

/// Stores `results`, `count` elements of f32 as `finish` gives them, at element `at` (text) of y0.
std::string store_text(const RequantizeAttributes& attributes, int64_t count);

}  // namespace brisk::cuda
