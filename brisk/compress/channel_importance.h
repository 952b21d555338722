#pragma once

/// What the channels of a model are worth, from its weights.

#include <vector>

#include "brisk/compress/structured_pruning.h"

namespace brisk {

/// By class (UnitTable::class_of); -1 where nothing says what a class is worth (for `gamma`: no
/// batch normalization scales it).
std::vector<double> channel_importance(const Model& model, const ChannelUnits& channels,
                                       ChannelImportance importance);

}  // namespace brisk
