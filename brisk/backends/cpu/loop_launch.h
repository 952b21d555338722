#pragma once

/// How a schedule runs a "fused_loop".

#include "brisk/backends/cpu/kernel.h"
#include "brisk/backends/cpu/loop_library.h"

namespace brisk::cpu {

/// The compiled loop, or the reference evaluator with the reason why.
KernelChoice prepare_loop(const KernelRequest& request, const LoopLibrary& library);

}  // namespace brisk::cpu
