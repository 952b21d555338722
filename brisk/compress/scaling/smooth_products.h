#pragma once

/// SmoothQuant (Xiao et al. 2022, "SmoothQuant: Accurate and Efficient Post-Training Quantization
/// for Large Language Models"): what makes a few channels hard to round moves from activations to
/// weights.

#include "brisk/compress/quantize_plan.h"
#include "brisk/compress/scaling/channel_magnitudes.h"

namespace brisk {

/// The values that matrix products among `products` read, with the axes that they contract.
std::vector<ObservedChannels> smoothed_values(const Graph& graph,
                                              const std::map<NodeId, ProductPlan>& products);

/// `folded` computing the same but for rounding, with what its matrix products among `products`
/// multiply divided by s = max|x|^strength / max|w|^(1 - strength), by channel, and their weights
/// multiplied by it; w are the weights of all that read the value. Where a layer normalization or
/// a matrix product with ReLU or no activation makes the value, and nobody else reads it, its own
/// weights are divided; else a multiplication stands in the graph ("<layer>/smoothing"), which
/// joins the loop that rounds. `strength` in [0, 1].
Model smooth_products(const Model& folded, const std::map<NodeId, ProductPlan>& products,
                      const ChannelMagnitudes& magnitudes, double strength);

}  // namespace brisk
