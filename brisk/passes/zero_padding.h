#pragma once

/// Zeros that a pad puts around the spatial axes of an image, as the op before it has them.

#include <optional>

#include "brisk/ir/builder.h"
#include "brisk/ops/move/move.h"

namespace brisk {

/// Of a pad of zeros with nothing between elements, nothing before or behind batch and channels,
/// nothing cut off; nothing for every other node.
std::optional<PadAttributes> zero_padding(const Builder& builder, const Node& node);

}  // namespace brisk
