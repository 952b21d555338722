#pragma once

/// branch, loop and scan: launches that drive nested schedules from the host.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

struct ScheduleOptions;

/// The launch of a control-flow node; nothing for other ops.
std::unique_ptr<Launch> prepare_control(const KernelRequest& request, const ScheduleOptions& options);

}  // namespace brisk::cpu
