#pragma once

/// Cross-layer equalisation: channels that share one range of integers become about equally large.

#include "brisk/compress/scaling/channel_magnitudes.h"

namespace brisk {

/// What equalize_channels wants to know of `folded`: the values that its products read.
std::vector<ObservedChannels> equalized_values(const Program& folded);

/// `folded` with other weights that compute the same but for rounding: each class of channels
/// (scalable_channels) is divided by sqrt(a / w), the weights behind it are multiplied by that. `a`
/// is the greatest magnitude of the channel, `w` that of the weights which read it, each beside the
/// greatest of its output's, since these have scales of their own. After Nagel et al. 2019,
/// "Data-Free Quantization Through Weight Equalization and Bias Correction", whose `a` are ranges
/// of weights, for one scale a tensor.
Model equalize_channels(const Model& folded, const ChannelMagnitudes& magnitudes);

}  // namespace brisk
