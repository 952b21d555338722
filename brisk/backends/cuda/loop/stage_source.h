#pragma once

/// The CUDA C++ of one stage of a loop. Arguments of the kernel: operands, results, the workspace
/// and the counters (zero before and after).

#include "brisk/backends/cuda/code_library.h"
#include "brisk/backends/cuda/loop/device_loop_plan.h"

namespace brisk::cuda {

KernelSource stage_source(const LoopProgram& program, const DeviceLoopPlan& plan,
                          const LoopStage& stage);

}  // namespace brisk::cuda
