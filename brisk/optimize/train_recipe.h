#pragma once

/// The training of a recipe within an optimization.

#include "brisk/optimize/context.h"
#include "brisk/optimize/report/report.h"

namespace brisk {

/// Trains what the context's recipe says, for fewer epochs where the time budget has no room for
/// all, and writes the package whose path it gives; goes on from checkpoints. `row` says what was
/// done. Throws Stopped.
std::filesystem::path train_recipe(OptimizeContext& context, StepRow& row);

}  // namespace brisk
