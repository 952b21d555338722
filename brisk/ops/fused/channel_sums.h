#pragma once

/// Over all axes but the last: what the batch norm fusions share.

#include <vector>

#include "brisk/ir/builder.h"

namespace brisk {

/// All axes but the last.
std::vector<int64_t> batch_axes(const Value& x);
/// The vector type [channels] of an image type, in its compute type.
Type channel_vector(const Type& image);
/// Sums of x, which is in its compute type.
Value channel_sum(Value x);

}  // namespace brisk
