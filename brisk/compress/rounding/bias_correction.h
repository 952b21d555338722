#pragma once

/// What rounding a filter adds to a layer's result on the average is taken off its bias.

#include <map>
#include <set>
#include <string>

#include "brisk/base/tensor.h"
#include "brisk/compress/quantize_model.h"

namespace brisk {

/// f32 [channels] of each value that a product of a folded model reads.
using ChannelMeans = std::map<ValueId, Tensor>;

/// Over all examples and places of `data`.
ChannelMeans channel_means(const Model& folded, const Dataset& data, int threads = 0);

/// `folded` with the biases of its products less what rounding their filters to integers
/// (quantize_weights; `rounded` where they are given) adds to the mean of their sums: sum over (w'
/// - w) of the mean of what w multiplies, where padding counts as if it were no edge (Nagel et al.
/// 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction"). Products of
/// `float_layers` and those without a bias stay as they are.
Model correct_biases(const Model& folded, const ChannelMeans& means,
                     const std::set<std::string, std::less<>>& float_layers = {},
                     const RoundedFilters& rounded = {});

}  // namespace brisk
