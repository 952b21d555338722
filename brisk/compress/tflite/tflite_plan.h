#pragma once

/// Which values of a folded model become integers of TFLite's arithmetic.

#include "brisk/compress/quantize_plan.h"

namespace brisk {

/// What stands for a node in integers.
enum class TfliteStep : uint8_t {
  product,
  add,
  multiply,
  requantize,  ///< a ReLU by itself
  average_pool,
  mean,
  softmax,
  logistic,
  tanh,
  move,         ///< the same op on integers
  concatenate,  ///< of operands that are brought to the result's scale
  merged,       ///< part of the node that `TflitePlan::activations` names
};

struct TflitePlan : QuantizePlan {
  std::map<NodeId, TfliteStep> steps;
  /// Sums and products of values whose only reader is an activation: by that reader's node.
  std::map<NodeId, NodeId> activations;
  /// Whether the arithmetic itself says the range of a value, whatever was observed.
  bool is_fixed(ValueId value) const;
};

/// `split` comes of split_residuals. A value becomes integers where a product reads or makes it,
/// and from there on as long as TFLite has an integer kernel for what reads it.
TflitePlan plan_tflite(const Program& split,
                       const std::set<std::string, std::less<>>& float_layers);

}  // namespace brisk
