#pragma once

/// Where brisk's LLVM library is and how it is reached. It is looked for in $BRISK_LLVM_LIBRARY
/// (a path), then beside the running program and in ../lib, ../lib/brisk, ../../lib of it.

#include <string>

#include "brisk/backends/cpu/loop/codegen_interface.h"
#include "brisk/base/error.h"

namespace brisk {

/// Identifies the library's build without loading it (size and time of the file); fails with the
/// places that were looked at.
Result<std::string> llvm_library_stamp();

/// Compiles one loop to object code; loads the library on first use. Thread-safe.
Result<std::string> compile_with_llvm(const LoopProgram& program, const LoopPlan& plan);

}  // namespace brisk
