#pragma once

/// weight_only_dot: floats times weights in 8- or 4-bit integers, which stay so in memory and
/// become floats in registers or, where many rows meet them, in a scratch of one panel.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

std::optional<std::string> refuse_weight_only_dot(const KernelRequest& request);
std::unique_ptr<Launch> prepare_weight_only_dot(const KernelRequest& request);

}  // namespace brisk::cpu
