#pragma once

/// Products whose weights alone are integers of 8 or 4 bits: weight-only quantization.

#include "brisk/compress/block_rounding.h"
#include "brisk/compress/quantize_model.h"

namespace brisk {

struct WeightOnlyOptions {
  /// What weights are multiplied with: f32, or bf16, which rounds it.
  DType activations = DType::f32;
  WeightGrid grid = {};  ///< of the weights
  /// Labels of products whose weights have 8 bits by channel whatever the grid.
  std::set<std::string, std::less<>> wide_layers = {};
};

/// `folded` with its matrix products by weights as weight_only_dot; results, biases and all else
/// stay f32, and so do convolutions and products whose label is one of `float_layers`. `rounded`:
/// integers in place of the nearest ones, on the grid that a product has (round_filters).
QuantizedModel quantize_weights_only(const Model& folded,
                                     const std::set<std::string, std::less<>>& float_layers = {},
                                     const WeightOnlyOptions& options = {},
                                     const RoundedFilters& rounded = {});

}  // namespace brisk
