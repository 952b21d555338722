#pragma once

/// Which composites cuDNN's engines take, told by types and shapes alone, so that lowering
/// can decide between an op and its decomposition.

#include <optional>
#include <span>
#include <string>

#include "brisk/ir/graph.h"

namespace brisk::cuda::cudnn {

/// Of a node "convolution_statistics" or "input_gradient_scale_shift"; nothing when it is taken.
std::optional<std::string> refuse_native(const Node& node, std::span<const Type> operands);
/// Of a node "ordered_convolution".
std::optional<std::string> refuse_ordered_filter(const Node& ordered_convolution);
/// Whether its filter had to be transposed for it, were it not ordered.
bool wants_ordered_filter(const Node& ordered_convolution);
/// Of a node "dot_product_attention" or "dot_product_attention_gradient".
std::optional<std::string> refuse_attention(const Node& node, std::span<const Type> operands);

}  // namespace brisk::cuda::cudnn
