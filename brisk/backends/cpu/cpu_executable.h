#pragma once

/// A program compiled for the CPU: a schedule, its arena and the state.

#include <memory>

#include "brisk/runtime/backend.h"

namespace brisk::cpu {

std::unique_ptr<Executable> make_cpu_executable(const Program& lowered, const CompileOptions& options);

}  // namespace brisk::cpu
