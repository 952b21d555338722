#pragma once

/// 3x3 convolutions on Hopper whose image goes into shared memory once, not nine times: a copy of a
/// box takes some lines of it with a halo of one place around them, zeros outside, and each place
/// of the filter multiplies the same box, seen from a row further on. Forward with the sums of the
/// result and of its squares, or with bias and activation; or an input gradient with the ReLU's
/// gradient before it and the sums of what leaves.

#include <array>
#include <optional>
#include <string>

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda {

struct HaloConvolution {
  std::string op;
  DType type = DType::f16;
  bool gradient = false;  ///< of the input: what is read is the result's gradient
  bool sums = true;       ///< two results besides
  bool bias = false;      ///< operand 2, of the convolution's type
  std::string epilogue;   ///< without sums: a statement that sets `result` from `sum`
  bool ordered = false;   ///< the filter lies [filters, 3, 3, channels], else as brisk's
  int64_t images = 0, height = 0, width = 0;  ///< of what is read
  int64_t channels = 0, filters = 0;          ///< of brisk's filter [3, 3, channels, filters]
  int64_t stride = 1;                         ///< of both axes; 2: of a gradient alone
  std::array<int64_t, 2> pad = {1, 1};        ///< before the first line and the first column

  int64_t depth() const { return gradient ? filters : channels; }
  int64_t columns() const { return gradient ? channels : filters; }
  double flops() const;
  /// Of the images that it reads and writes.
  double bytes() const;
};

/// Of a node "convolution_statistics", "input_gradient_scale_shift" or "fused_convolution"; fails
/// with the reason why it is not for this kernel.
Result<HaloConvolution> halo_convolution(const Node& node, std::span<const Type> operands,
                                         const DeviceProperties& device);

}  // namespace brisk::cuda
