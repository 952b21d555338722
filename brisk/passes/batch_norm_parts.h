#pragma once

/// From a batch's moments to what batch norm does with them: shared by the passes that compute the
/// moments in their own ways.

#include "brisk/ops/composite/composite.h"

namespace brisk {

struct BatchNormParts {
  Value scale, shift;                  ///< y = x * scale + shift, in the compute type
  Value moving_mean, moving_variance;  ///< moved towards the batch's
};

/// `mean` and biased `variance` [channels]; `operands` and `attributes` of a "batch_norm" node.
BatchNormParts batch_norm_parts(std::span<const Value> operands,
                                const BatchNormAttributes& attributes, Value mean, Value variance);

}  // namespace brisk
