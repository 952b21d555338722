#pragma once

/// Keras's mixed precision: parameters stay f32, convolutions, contractions and what lies between
/// them compute in a 16-bit type; normalisation keeps f32 statistics, losses and the model's
/// outputs are f32. Runs over the forward graph, layers inlined.

#include "brisk/passes/pass.h"

namespace brisk {

/// `type` is bf16 or f16.
Program mixed_precision(Program program, DType type);

}  // namespace brisk
