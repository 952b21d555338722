#pragma once

/// How large the channels of a model's values become on given data.

#include <map>
#include <span>

#include "brisk/data/dataset.h"
#include "brisk/nn/model.h"

namespace brisk {

/// A value whose last axes are its channels.
struct ObservedChannels {
  ValueId value;
  int64_t axes = 1;
};

/// f32 [channels] of each value.
using ChannelMagnitudes = std::map<ValueId, Tensor>;

/// The greatest magnitude over a batch of `data` and all places, averaged over the batches, of
/// f32 `values` of `model`.
ChannelMagnitudes channel_magnitudes(const Model& model, std::span<const ObservedChannels> values,
                                     const Dataset& data, int threads = 0);

}  // namespace brisk
