#pragma once

/// What losses, metrics and preprocessing layers begin and end with.

#include "brisk/ir/builder.h"

namespace brisk {

/// x in a floating type: f32 where it is of another kind.
Value as_float(Value x);

/// f32, or f64 where it is that already: losses and metrics are not taken in halves.
Value in_f32(Value x);

/// The mean over all axes but the batch: [batch, ...] becomes [batch].
Value mean_per_example(Value x);

}  // namespace brisk
