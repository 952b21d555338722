#pragma once

/// The C interface between brisk and its LLVM library, which is loaded only when a loop has to be
/// compiled and shares no compiled code with brisk: plain structs in, bytes out.
///
/// The object code holds functions of type LoopFunction, all position-independent and without
/// writable data:
///   "main"                       split by kept units: units [begin, end)
///   "accumulate_P", "finish_P"   split by reduced units: phase P over reduced units [begin, end)
///                                into part `part`, then over kept units [begin, end), where `part`
///                                is the number of parts

#include <cstddef>
#include <cstdint>

#include "brisk/backends/cpu/loop/loop_plan.h"
#include "brisk/backends/loop/loop_program.h"

namespace brisk {

using LoopFunction = void (*)(void* const* buffers, int64_t begin, int64_t end, void* scratch,
                              int64_t part);

/// Changes when the generated code does; part of the cache key.
inline constexpr int kCodegenVersion = 3;

/// Both sides must have been built from the same structs.
inline constexpr uint64_t kInterfaceLayout =
    (((uint64_t{kCodegenVersion} * 1000 + sizeof(LoopProgram)) * 1000 + sizeof(LoopPlan)) * 1000 +
     sizeof(LoopLine)) *
        100 +
    static_cast<uint64_t>(ScalarOp::cast);

struct CodegenRequest {
  uint64_t layout = kInterfaceLayout;    ///< first, so that any library can read it
  const LoopProgram* program = nullptr;  ///< checked
  const LoopPlan* plan = nullptr;
};

/// Receives the object code (status 0) or the reason why there is none (any other).
using CodegenSink = void (*)(void* context, const char* bytes, size_t count);

/// Exported as "brisk_llvm_compile_loop"; may be called from several threads at once.
using CompileLoopFunction = int (*)(const CodegenRequest* request, CodegenSink sink, void* context);

}  // namespace brisk
