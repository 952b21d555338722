#pragma once

/// What both kernels of a convolution of few channels share (narrow_text.h): how the image comes
/// through a ring in shared memory, and the instruction that multiplies.

#include <string>
#include <string_view>

#include "brisk/backends/cuda/kernels/narrow_plan.h"

namespace brisk::cuda {

/// "const __grid_constant__ $name_map map_x" or "const T* x".
std::string narrow_image_parameter(const NarrowConvolution& convolution);

/// Statements that come first in a kernel.
std::string narrow_setup_text(const NarrowConvolution& convolution, const NarrowPlan& plan);

struct NarrowMatrix {
  int64_t columns;             ///< of the product: 8 to 256
  std::string_view sums;       ///< f32 [columns / 2] that the product is added to
  std::string_view right;      ///< u64: where the columns x 16 factors lie
  std::string_view adds;       ///< false: the sums begin with the product
  bool right_lies_by_columns;  ///< the depth is the slower axis of its blocks of 8 x 8
};
/// sums += 64 rows x 16 elements of the depth, `u32 left[4]`, times `right`.
std::string narrow_matrix_text(DType type, const NarrowMatrix& matrix);

}  // namespace brisk::cuda
