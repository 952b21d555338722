#pragma once

/// From the trained form of a model to the one that is served.

#include "brisk/optimize/context.h"

namespace brisk {

/// Fills `served` (and, of int8, `layers` and what is slow) from `trained` and `deployment`: folds,
/// converts, calibrates on training images, quantizes within what is left of the accuracy budget.
void deploy(OptimizeContext& context, Candidate& candidate);

}  // namespace brisk
