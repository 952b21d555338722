#pragma once

/// A deployed candidate beside the best so far.

#include "brisk/optimize/context.h"

namespace brisk {

/// Writes the served form's package to `package` and measures it: its bytes, its first image, and
/// in turn with `best` (none for the first candidate) inference of one image and of a batch; then
/// its accuracy, unless it computes what `best` does. `before` has the figures of `best` as they
/// were this time.
Trial measure_candidate(OptimizeContext& context, const Candidate* best,
                        const Figures& best_figures, const Candidate& candidate,
                        const std::filesystem::path& package);

/// Inference of both, in turn: what all kept steps bring together. Neither bytes nor accuracy.
Trial measure_again(const OptimizeContext& context, const Candidate& first, const Candidate& last);

}  // namespace brisk
