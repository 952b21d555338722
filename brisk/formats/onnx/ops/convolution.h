#pragma once

/// ONNX's Conv without its bias, as quantised convolutions need it too.

#include "brisk/formats/onnx/call.h"
#include "brisk/ops/convolve/convolve.h"

namespace brisk::onnx {

/// Sizes behind batch and channels.
std::vector<int64_t> spatial_sizes(const Value& x);
/// Of a convolution of x [batch, channels, spatial...] with filter [filters, channels / groups,
/// kernel...], as the node's attributes say.
ConvolutionAttributes convolution_attributes(const Call& c, const Value& x, const Value& filter);
/// The filter as brisk has it: [kernel..., channels / groups, filters].
Value filter_last(Value filter);
/// x [batch, channels, spatial...], filter [filters, channels / groups, kernel...], the rest as the
/// node's attributes say; the result has its channels last.
Value convolve(const Call& c, Value x, Value filter);

}  // namespace brisk::onnx
