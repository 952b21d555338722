#pragma once

/// From a batch's moments to what batch norm does with them: shared by the passes that compute the
/// moments in their own ways, and by the one that puts them into filters.

#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {

struct BatchNormParts {
  Value scale, shift;                  ///< y = x * scale + shift, in the compute type
  Value moving_mean, moving_variance;  ///< moved towards the batch's
};

/// `mean` and biased `variance` [channels]; `operands` and `attributes` of a "batch_norm" node.
BatchNormParts batch_norm_parts(std::span<const Value> operands,
                                const BatchNormAttributes& attributes, Value mean, Value variance);

/// `value` in the type `wide`: what a cast made it of, where that has the type, else a cast of it.
inline Value unrounded(Value value, DType wide) {
  const Node& node = value.builder->node(value.id.node);
  if (node.op->name == "cast") {
    const Value before{value.builder, node.operands[0]};
    if (before.dtype() == wide) return before;
  }
  return cast(value, wide);
}

}  // namespace brisk
