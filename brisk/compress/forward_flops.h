#pragma once

/// What a forward pass of a model costs at least.

#include "brisk/nn/model.h"

namespace brisk {

/// Operations of one example (runtime/node_cost.h: a multiplication and an addition each count) in
/// inference mode; composites such as normalizations count nothing. Dimensions other than the batch
/// must have sizes.
double forward_flops(const Model& model);

}  // namespace brisk
