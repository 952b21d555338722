#pragma once

/// How ONNX says where a window goes.

#include "brisk/formats/onnx/export/emitter.h"
#include "brisk/ops/convolve/convolve.h"

namespace brisk::onnx {

/// kernel_shape, strides and pads; refused where a padding is negative.
std::vector<AttributeDef> window_attributes(const std::vector<int64_t>& kernel,
                                            const std::vector<int64_t>& strides,
                                            const std::vector<int64_t>& low,
                                            const std::vector<int64_t>& high);

/// The spatial sizes of a filter [kernel..., in, out].
std::vector<int64_t> kernel_sizes(const Emitter& e, ValueId filter);

/// Of a convolution with that filter: its windows, dilations and groups.
std::vector<AttributeDef> convolution_attributes(const Emitter& e, ValueId filter,
                                                 const ConvolutionAttributes& convolution);

/// The filter as [out, in, kernel...].
std::string filter_name(Emitter& e, ValueId filter);

}  // namespace brisk::onnx
