#include "brisk/backends/cpu/llvm/scratch_access.h"

namespace brisk {

using llvm::Value;

namespace {

llvm::Type* element_type(VectorBuilder& b, DType type) {
  return b.memory_element(type == DType::boolean ? DType::u8 : type);
}

Value* address(VectorBuilder& b, Value* base, int64_t offset, llvm::Type* type, Value* element) {
  Value* array = b.CreateConstGEP1_64(b.getInt8Ty(), base, static_cast<uint64_t>(offset));
  return b.CreateGEP(type, array, element);
}

llvm::Align alignment(llvm::Type* type) {
  return llvm::Align(type->getScalarSizeInBits() / 8);
}

}  // namespace

Value* scratch_part(VectorBuilder& b, const LoopPlan& plan, Value* scratch, Value* part) {
  const auto constant = [&](int64_t value) { return b.getInt64(static_cast<uint64_t>(value)); };
  Value* offset = b.CreateMul(part, constant(plan.part_bytes));
  return b.CreateGEP(b.getInt8Ty(), scratch, b.CreateAdd(offset, constant(plan.shared_bytes)));
}

Value* load_scratch(VectorBuilder& b, Value* base, int64_t offset, DType type, Value* element,
                    int lanes) {
  llvm::Type* in_memory = element_type(b, type);
  Value* raw =
      b.CreateAlignedLoad(VectorBuilder::wide(in_memory, lanes),
                          address(b, base, offset, in_memory, element), alignment(in_memory));
  return type == DType::boolean ? b.CreateICmpNE(raw, b.integer(raw->getType(), 0)) : raw;
}

void store_scratch(VectorBuilder& b, Value* value, Value* base, int64_t offset, DType type,
                   Value* element) {
  llvm::Type* in_memory = element_type(b, type);
  if (type == DType::boolean) value = b.CreateZExt(value, VectorBuilder::like(value, in_memory));
  b.CreateAlignedStore(value, address(b, base, offset, in_memory, element), alignment(in_memory));
}

}  // namespace brisk
