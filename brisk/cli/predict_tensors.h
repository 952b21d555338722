#pragma once

/// `brisk predict MODEL --tensors IN --output OUT`: any model on any inputs.

#include <string>

#include "brisk/nn/model.h"

namespace brisk::cli {

struct TensorPrediction {
  std::string inputs;   ///< safetensors: a tensor for each input of the model, by name
  std::string outputs;  ///< safetensors: a tensor for each output is written
  std::string backend = "cpu";
  int64_t threads = 0;
};
/// Prints a line for each output, in order. Dimensions without a size take that of the given
/// tensors. Refused where names or types differ.
void predict_tensors(const Model& model, const TensorPrediction& options);

}  // namespace brisk::cli
