#pragma once

/// The text of the pointwise product for Hopper (sm_90a): its own matrix instructions, which read
/// both operands from shared memory, and its copies of whole boxes, which fill it.

#include <string>

#include "brisk/backends/cuda/kernels/warpgroup_plan.h"

namespace brisk::cuda {

/// Device code with `$name` for the kernel's own. Parameters: a map (tensor_map.h) of each term's
/// a, then of each term's b, of each image, of y0; then the addresses of vectors, of y1 and on, of
/// the workspace, of the counters. No image is sparse.
std::string warpgroup_text(const PointwiseProduct& product, const WarpgroupPlan& plan);

}  // namespace brisk::cuda
