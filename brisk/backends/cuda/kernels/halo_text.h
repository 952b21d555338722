#pragma once

/// The text of a halo convolution's kernel.

#include <string>

#include "brisk/backends/cuda/kernels/halo_plan.h"

namespace brisk::cuda {

/// A function with $name for its name. Parameters: maps of what is read (lines with their halo), of
/// the filter and, of a gradient, of the image before the ReLU; that of the result; of a gradient
/// the addresses of scale and shift; that of a bias; with sums, of the two sums, of the workspace
/// and of the counters.
std::string halo_text(const HaloConvolution& convolution, const HaloPlan& plan);

}  // namespace brisk::cuda
