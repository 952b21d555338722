#pragma once

/// A model without some of its channels: a new graph of smaller shapes and the weights that fit it.

#include <functional>
#include <string>
#include <vector>

#include "brisk/compress/channel_units.h"
#include "brisk/nn/model.h"

namespace brisk {

struct SmallerModel {
  Model model;
  /// For each state entry and axis the indices that are left, ascending.
  std::vector<std::vector<std::vector<int64_t>>> kept;
  /// Layers whose configuration cannot say their new shapes; their ops stand in the graph alone, so
  /// that the model is not written to a Keras file.
  std::vector<std::string> dissolved;
};

/// `goes` says of a class (UnitTable::class_of) whether it is taken out. Each axis must keep an
/// index, and pinned classes stay.
SmallerModel remove_channels(const Model& model, const ChannelUnits& channels,
                             const std::function<bool(int32_t class_number)>& goes);

}  // namespace brisk
