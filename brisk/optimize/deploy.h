#pragma once

/// From the trained form of a model to the one that is served.

#include "brisk/optimize/context.h"

namespace brisk {

/// Fills `served` (and, of integers, `layers` and what is slow) from `trained` and `deployment`:
/// folds, converts, finds ranges on training images where the candidate has none, quantizes within
/// what is left of the accuracy budget.
void deploy(OptimizeContext& context, Candidate& candidate);

/// `best` in integers: deployed anew, or the reason why no product is in integers then.
Result<Candidate> in_integers(OptimizeContext& context, const Candidate& best, NumberFormat format);

}  // namespace brisk
