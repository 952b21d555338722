#pragma once

/// Reading between pixels at coordinates given as data: GridSample, RoiAlign, DeformConv.

#include <string>
#include <vector>

#include "brisk/ir/builder.h"

namespace brisk::onnx {

struct SampleRules {
  std::string mode = "linear";    ///< linear, nearest, cubic
  std::string padding = "zeros";  ///< zeros, border, reflection
  bool align_corners = false;     ///< reflection: about pixel centres instead of edges
};

/// x [batch, channels, spatial...] at pixel coordinates [batch, points], one tensor a spatial axis
/// (floating): [batch, channels, points].
Value sampled(Value x, const std::vector<Value>& coordinates, const SampleRules& rules);

}  // namespace brisk::onnx
