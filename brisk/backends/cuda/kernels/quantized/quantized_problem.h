#pragma once

/// A quantized_convolution or quantized_dot as our kernels see it: one or two spatial axes (a
/// convolution of one has a first of extent 1), a dot without any.

#include <optional>
#include <span>
#include <string>

#include "brisk/backends/cuda/kernel.h"
#include "brisk/ops/quantize/quantize.h"

namespace brisk::cuda {

struct QuantizedProblem {
  int64_t batch = 1, channels = 0, filters = 0, groups = 1;
  int64_t input[2] = {1, 1}, kernel[2] = {1, 1}, result[2] = {1, 1};
  int64_t strides[2] = {1, 1}, dilations[2] = {1, 1}, low[2] = {0, 0};
  RequantizeAttributes requantize;
  DType input_type = DType::u8;
  DType residual_type = DType::i8;  ///< where there is one

  int64_t rows() const { return batch * result[0] * result[1]; }
  /// Terms of a sum.
  int64_t depth() const { return kernel[0] * kernel[1] * (channels / groups); }
  /// Every sum reads one line of the input, and the lines lie beside each other as the sums do.
  bool is_plain_product() const;
  double operations() const;
};

/// Nothing for another op; fails where our kernels do not take the node.
Result<QuantizedProblem> quantized_problem(const Node& node, std::span<const Type> operands);

/// Of a node "quantized_convolution" or "quantized_dot": why no kernel of ours takes it. Told by
/// types and shapes alone.
std::optional<std::string> refuse_quantized(const Node& node, std::span<const Type> operands);

}  // namespace brisk::cuda
