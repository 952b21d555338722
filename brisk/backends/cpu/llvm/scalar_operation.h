#pragma once

/// One line's scalar operation (brisk/ir/expr.h defines its meaning) on scalars or vectors.

#include "brisk/backends/cpu/llvm/vector_builder.h"
#include "brisk/backends/loop/loop_program.h"

namespace brisk {

/// `operand_type` is the type of the first operand. Constants come back as scalars.
llvm::Value* emit_operation(VectorBuilder& build, const LoopLine& line, DType operand_type,
                            llvm::ArrayRef<llvm::Value*> operands);
/// The same for an operation of two operands and a result of one type (a combiner).
llvm::Value* emit_binary(VectorBuilder& build, ScalarOp op, DType type, llvm::Value* a,
                         llvm::Value* b);
/// A scalar constant of a compute type.
llvm::Constant* emit_constant(VectorBuilder& build, DType type, double value, uint64_t bits);

}  // namespace brisk
