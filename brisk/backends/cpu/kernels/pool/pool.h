#pragma once

/// Pooling in f32, bf16 and f16 (sums in f32), maxima in u8 and i8 too, any window, stride, padding
/// or cropping over one or two spatial axes.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

/// For max_pool, max_pool_gradient, max_pool_select, average_pool and average_pool_gradient.
std::optional<std::string> refuse_pool(const KernelRequest& request);
std::unique_ptr<Launch> prepare_pool(const KernelRequest& request);

}  // namespace brisk::cpu
