#pragma once

/// Emits the functions of one loop program (brisk/backends/cpu/loop/codegen_interface.h names
/// them) into a module.

#include <llvm/IR/Module.h>

#include "brisk/backends/cpu/loop/codegen_interface.h"

namespace brisk {

void emit_loop(llvm::Module& module, const LoopProgram& program, const LoopPlan& plan);

}  // namespace brisk
