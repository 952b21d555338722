#pragma once

/// Casts between ONNX's element types, those that brisk carries in wider ones included.

#include "brisk/formats/onnx/call.h"

namespace brisk::onnx {

struct CastRules {
  bool saturate = true;  ///< to floats of 8 bits: the largest value instead of NaN or infinity
  std::string round_mode = "up";  ///< to FLOAT8E8M0: up, down or nearest
};

/// `x` carries `from`; the result carries `to`.
Value cast_element(Value x, ElementType from, ElementType to, const CastRules& rules = {});

/// `x` (f32) rounded to the values of a tiny float type, in f32.
Value rounded_to(Value x, ElementType tiny, const CastRules& rules = {});

}  // namespace brisk::onnx
