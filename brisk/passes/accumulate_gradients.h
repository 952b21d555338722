#pragma once

/// Gradient accumulation: the batch in k parts, one after another, inside the one compiled step.

#include "brisk/ir/program.h"

namespace brisk {

/// `part` is a gradient graph over 1/k of the batch: (state..., batch inputs...) -> (results...,
/// sums..., updates...), where the first `num_averaged` outputs (losses, metrics, gradients) are
/// means over its part and the others are new values of the state entries `updates`. Returns the
/// same signature over the whole batch: a scan over the parts that averages the former and threads
/// the latter. The batch inputs' first extent becomes k times as large.
Graph accumulate_gradients(const Graph& part, int64_t k, size_t num_state, size_t num_averaged,
                           std::span<const int64_t> updates);

}  // namespace brisk
