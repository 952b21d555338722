#pragma once

/// The text of a convolution of few channels with strides of 2, and of its filter's gradient, for
/// Hopper (sm_90a).

#include <string>

#include "brisk/backends/cuda/kernels/narrow_plan.h"

namespace brisk::cuda {

/// Device code with `$name` for the kernel's own. Parameters: the image, by a map (tensor_map.h) of
/// pixels where it is copied in boxes, else by its address; then the filter's address, the bias's,
/// where there is one, a map of the result, the addresses of both sums, where there are some, of
/// the workspace, of the counters.
std::string narrow_forward_text(const NarrowConvolution& convolution, const NarrowPlan& plan);

/// Likewise, of the image, a map of the result's gradient, the workspace's address, where each
/// block leaves partial_elements().
std::string narrow_gradient_text(const NarrowConvolution& convolution, const NarrowPlan& plan);
constexpr int64_t kNarrowCombinePlaces = 64;  ///< of a block
/// Adds up what the blocks left. Parameters: the addresses of the workspace, of the gradient.
std::string narrow_combine_text(const NarrowConvolution& convolution, const NarrowPlan& plan);

}  // namespace brisk::cuda
