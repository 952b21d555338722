#pragma once

/// Loops as launches: of "fused_loop" nodes, and of single nodes that are loops by themselves.

#include <memory>

#include "brisk/backends/cuda/kernel.h"
#include "brisk/backends/cuda/loop/device_loop_plan.h"

namespace brisk::cuda {

/// Adds the loop's kernels to the code library.
std::unique_ptr<Launch> make_loop_launch(LoopProgram program, const DeviceProperties& properties,
                                         CodeLibrary& code);

/// Whether a result may be the memory of an operand: every element of the operand is read where the
/// result's is written, and nowhere else.
bool loop_in_place(const LoopProgram& program, const DeviceLoopPlan& plan, size_t result,
                   size_t operand);

}  // namespace brisk::cuda
