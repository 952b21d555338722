#pragma once

/// What both kernels of a convolution of few channels share (narrow_text.h): how the image comes
/// through a ring in shared memory.

#include <string>

#include "brisk/backends/cuda/kernels/narrow_plan.h"

namespace brisk::cuda {

/// "const __grid_constant__ $name_map map_x" or "const T* x".
std::string narrow_image_parameter(const NarrowConvolution& convolution);

/// Statements that come first in a kernel.
std::string narrow_setup_text(const NarrowConvolution& convolution, const NarrowPlan& plan);

}  // namespace brisk::cuda
