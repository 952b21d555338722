#pragma once

/// The last kernel of every list: the reference evaluator on the CPU backend's memory.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

std::unique_ptr<Launch> prepare_reference(const KernelRequest& request);

}  // namespace brisk::cpu
