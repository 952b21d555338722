#pragma once

/// Where a sliding window of convolution and pooling goes: kernel, strides, dilations and padding
/// as the attributes or auto_pad say.

#include <vector>

#include "brisk/formats/onnx/call.h"

namespace brisk::onnx {

struct WindowGeometry {
  std::vector<int64_t> kernel, strides, dilations, low, high;  ///< per spatial axis
  std::vector<int64_t> ceil_high;  ///< high, and what ceil_mode looks at beyond it
  std::vector<int64_t> out;        ///< places per spatial axis
  size_t rank() const { return kernel.size(); }
};
/// `spatial` are the input's sizes; `kernel` may be empty: then the attribute kernel_shape says it.
WindowGeometry window_geometry(const Call& c, std::vector<int64_t> spatial,
                               std::vector<int64_t> kernel = {});

}  // namespace brisk::onnx
