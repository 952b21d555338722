#pragma once

/// What of a model is computed in integers.

#include <string>
#include <vector>

#include "brisk/nn/model.h"

namespace brisk {

/// A product by weights.
struct ProductReport {
  std::string label, op;
  std::string input, filter, result;  ///< types
  int64_t block_size = 0;             ///< rows of the filter that share a scale; 0: all
  double result_scale = 0;            ///< the real number that an integer result counts in; 0: none
  bool residual = false;              ///< which joins it as integers
  bool integers() const { return op.starts_with("quantized_") || op.starts_with("tflite_"); }
  bool weights_only() const { return op == "weight_only_dot"; }
};

struct QuantizationReport {
  std::vector<ProductReport> products;   ///< in order
  int64_t quantize = 0, dequantize = 0;  ///< ops that go from floats to integers and back
  int64_t integers() const;              ///< products
  int64_t weights_only() const;          ///< products of floats with weights in integers
};

/// Layers are inlined; products of two activations do not count.
QuantizationReport quantization_report(const Model& model);

}  // namespace brisk
