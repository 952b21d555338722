#pragma once

/// Arrays in a loop's scratch (brisk/backends/cpu/loop/loop_plan.h lays them out). They hold values
/// of compute types; bool as bytes.

#include "brisk/backends/cpu/llvm/vector_builder.h"

namespace brisk {

/// Where part number `part` begins.
llvm::Value* scratch_part(VectorBuilder& build, const LoopPlan& plan, llvm::Value* scratch,
                          llvm::Value* part);

/// `lanes` elements from number `element` of the array at `base` + `offset` bytes.
llvm::Value* load_scratch(VectorBuilder& build, llvm::Value* base, int64_t offset, DType type,
                          llvm::Value* element, int lanes);
void store_scratch(VectorBuilder& build, llvm::Value* value, llvm::Value* base, int64_t offset,
                   DType type, llvm::Value* element);

}  // namespace brisk
