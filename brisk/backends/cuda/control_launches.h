#pragma once

/// branch, loop and scan: launches made of nested schedules.

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda {

struct ScheduleContext;

/// The launch of a control-flow node; nothing for other ops.
std::unique_ptr<Launch> prepare_control(const KernelRequest& request,
                                        const ScheduleContext& context);

}  // namespace brisk::cuda
