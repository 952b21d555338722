#pragma once

/// The IR builder of this folder. A value is a scalar or a fixed vector; operations take either, so
/// that hoisted scalars and vector bodies are emitted by the same code.

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <cstdint>

#include "brisk/backends/cpu/loop/loop_plan.h"
#include "brisk/base/dtype.h"

namespace brisk {

class VectorBuilder : public llvm::IRBuilder<> {
 public:
  VectorBuilder(llvm::Module& module, VectorIsa isa);

  llvm::Module& module() { return module_; }
  VectorIsa isa() const { return isa_; }
  int register_bits() const { return isa_ == VectorIsa::avx512 ? 512 : 256; }

  /// Element type in computation: i1 for bool, float for short floats, else as in memory.
  llvm::Type* compute_element(DType type);
  /// Element type in memory: i8 for bool and 8-bit floats, i16 for bf16 and f16.
  llvm::Type* memory_element(DType type);
  /// `element` itself when lanes is 1, else a vector.
  static llvm::Type* wide(llvm::Type* element, int lanes);
  static int lanes_of(const llvm::Value* value);
  /// The type of `value` with another element type.
  static llvm::Type* like(const llvm::Value* value, llvm::Type* element);

  /// Constants of the scalar or vector type `type`.
  llvm::Constant* real(llvm::Type* type, double value);
  llvm::Constant* integer(llvm::Type* type, uint64_t bits);
  llvm::Value* splat(llvm::Value* scalar, int lanes);
  /// a * b + c, rounded once.
  llvm::Value* fma(llvm::Value* a, llvm::Value* b, llvm::Value* c);
  llvm::Value* fma(llvm::Value* a, double b, llvm::Value* c);
  llvm::Value* unary(llvm::Intrinsic::ID id, llvm::Value* a) { return CreateUnaryIntrinsic(id, a); }
  /// coefficients[0] * x^n + ... + coefficients[n], by Horner's rule.
  llvm::Value* polynomial(llvm::Value* x, std::initializer_list<double> coefficients);
  /// Lanes [from, from + count) of a vector.
  llvm::Value* slice(llvm::Value* vector, int from, int count);
  llvm::Value* join(llvm::Value* low, llvm::Value* high);
  llvm::Value* reverse(llvm::Value* vector);
  /// The lanes below `active` set.
  llvm::Constant* mask(int lanes, int active);
  /// A stack slot in the function's entry block (promoted to a register later).
  llvm::AllocaInst* slot(llvm::Type* type);

  /// A loop from `from` while below `to`; `body` gets the index.
  template <typename Body>
  void loop(llvm::Value* from, llvm::Value* to, int64_t step, Body&& body) {
    llvm::Function* function = GetInsertBlock()->getParent();
    auto* before = GetInsertBlock();
    auto* head = llvm::BasicBlock::Create(getContext(), "", function);
    auto* turn = llvm::BasicBlock::Create(getContext(), "", function);
    auto* done = llvm::BasicBlock::Create(getContext(), "", function);
    CreateBr(head);
    SetInsertPoint(head);
    auto* index = CreatePHI(getInt64Ty(), 2);
    index->addIncoming(from, before);
    CreateCondBr(CreateICmpSLT(index, to), turn, done);
    SetInsertPoint(turn);
    body(static_cast<llvm::Value*>(index));
    auto* next = CreateAdd(index, getInt64(static_cast<uint64_t>(step)), "", false, true);
    index->addIncoming(next, GetInsertBlock());
    CreateBr(head);
    SetInsertPoint(done);
  }
  /// Runs `body` if `condition` holds.
  template <typename Body>
  void when(llvm::Value* condition, Body&& body) {
    llvm::Function* function = GetInsertBlock()->getParent();
    auto* then = llvm::BasicBlock::Create(getContext(), "", function);
    auto* done = llvm::BasicBlock::Create(getContext(), "", function);
    CreateCondBr(condition, then, done);
    SetInsertPoint(then);
    body();
    CreateBr(done);
    SetInsertPoint(done);
  }

 private:
  llvm::Module& module_;
  VectorIsa isa_;
};

}  // namespace brisk
