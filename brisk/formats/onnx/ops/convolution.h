#pragma once

/// ONNX's Conv without its bias, as quantised convolutions need it too.

#include "brisk/formats/onnx/call.h"

namespace brisk::onnx {

/// Sizes behind batch and channels.
std::vector<int64_t> spatial_sizes(const Value& x);
/// x [batch, channels, spatial...], filter [filters, channels / groups, kernel...], the rest as the
/// node's attributes say; the result has its channels last.
Value convolve(const Call& c, Value x, Value filter);

}  // namespace brisk::onnx
