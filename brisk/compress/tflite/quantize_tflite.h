#pragma once

/// Post-training quantization in TFLite's arithmetic (brisk/ops/tflite/tflite.h).

#include <set>
#include <string>

#include "brisk/compress/calibration.h"
#include "brisk/compress/quantize_model.h"
#include "brisk/nn/model.h"

namespace brisk {

/// Ranges of the values of `split` (split_residuals of a folded model) that may become integers.
ValueRanges calibrate_tflite(const Model& split, const Dataset& data,
                             const CalibrationOptions& options = {});

/// `split` in integers from its inputs to its results: activations i8 with a zero point, in the
/// range that was seen, 0 among it, or i16 without one; weights i8 around zero by channel; biases
/// i32, or beside i16 i64. Ops that TFLite has no integer kernel for, layers of `float_layers`, and
/// beside i16 those whose sums are too long are computed in f32 between integers. `rounded`:
/// filters that are rounded otherwise than to the nearest integer.
QuantizedModel quantize_tflite(const Model& split, const ValueRanges& ranges,
                               const std::set<std::string, std::less<>>& float_layers = {},
                               const RoundedFilters& rounded = {}, DType activations = DType::i8);

}  // namespace brisk
