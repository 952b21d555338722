#pragma once

/// What a step may be formed of before it is differentiated, by backend and precision.

#include "brisk/runtime/backend.h"
#include "brisk/train/step.h"

namespace brisk {

/// The backend's target for steps of this precision; tf32 is refused where the backend has none.
LoweringTarget step_target(const Backend& backend, Precision precision);

}  // namespace brisk
