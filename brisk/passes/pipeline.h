#pragma once

/// The pipelines, as values that callers copy and extend.

#include "brisk/passes/pass.h"

namespace brisk {

/// Passes over the forward graph before it is differentiated.
std::vector<Pass> forward_pipeline();

}  // namespace brisk
