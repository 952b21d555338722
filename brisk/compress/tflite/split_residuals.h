#pragma once

/// Products without residuals, for arithmetics that have none.

#include "brisk/nn/model.h"

namespace brisk {

/// `folded` (fold_weights) with each product that adds a residual as a product, an addition and the
/// activation behind it. It computes the same.
Model split_residuals(const Model& folded);

}  // namespace brisk
