#include "brisk/backends/cpu/llvm/vector_builder.h"

namespace brisk {

using llvm::Constant;
using llvm::Value;

VectorBuilder::VectorBuilder(llvm::Module& module, VectorIsa isa)
    : IRBuilder<>(module.getContext()), module_(module), isa_(isa) {
  llvm::FastMathFlags flags;
  flags.setAllowContract(true);  // nothing else: results agree whether fused or not
  setFastMathFlags(flags);
}

llvm::Type* VectorBuilder::compute_element(DType type) {
  switch (type) {
    case DType::f16:
    case DType::bf16:
    case DType::f8e4m3:
    case DType::f8e5m2:
      return getFloatTy();
    case DType::boolean:
      return getInt1Ty();
    default:
      return memory_element(type);
  }
}

llvm::Type* VectorBuilder::memory_element(DType type) {
  switch (type) {
    case DType::f64:
      return getDoubleTy();
    case DType::f32:
      return getFloatTy();
    case DType::i64:
    case DType::u64:
      return getInt64Ty();
    case DType::i32:
    case DType::u32:
      return getInt32Ty();
    case DType::f16:
    case DType::bf16:
    case DType::i16:
    case DType::u16:
      return getInt16Ty();
    default:
      return getInt8Ty();
  }
}

llvm::Type* VectorBuilder::wide(llvm::Type* element, int lanes) {
  return lanes == 1 ? element : llvm::FixedVectorType::get(element, static_cast<unsigned>(lanes));
}

int VectorBuilder::lanes_of(const Value* value) {
  const auto* type = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
  return type == nullptr ? 1 : static_cast<int>(type->getNumElements());
}

llvm::Type* VectorBuilder::like(const Value* value, llvm::Type* element) {
  return wide(element, lanes_of(value));
}

Constant* VectorBuilder::real(llvm::Type* type, double value) {
  return llvm::cast<Constant>(llvm::ConstantFP::get(type, value));
}

Constant* VectorBuilder::integer(llvm::Type* type, uint64_t bits) {
  return llvm::ConstantInt::get(type,
                                llvm::APInt(64, bits).zextOrTrunc(type->getScalarSizeInBits()));
}

Value* VectorBuilder::splat(Value* scalar, int lanes) {
  return lanes == 1 ? scalar : CreateVectorSplat(static_cast<unsigned>(lanes), scalar);
}

Value* VectorBuilder::fma(Value* a, Value* b, Value* c) {
  return CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, c});
}
Value* VectorBuilder::fma(Value* a, double b, Value* c) {
  return fma(a, real(a->getType(), b), c);
}

Value* VectorBuilder::polynomial(Value* x, std::initializer_list<double> coefficients) {
  Value* sum = nullptr;
  for (const double coefficient : coefficients) {
    Value* next = real(x->getType(), coefficient);
    sum = sum == nullptr ? next : fma(sum, x, next);
  }
  return sum;
}

Value* VectorBuilder::slice(Value* vector, int from, int count) {
  if (count == lanes_of(vector)) return vector;
  if (count == 1) return CreateExtractElement(vector, static_cast<uint64_t>(from));
  llvm::SmallVector<int> lanes;
  for (int i = 0; i < count; ++i) lanes.push_back(from + i);
  return CreateShuffleVector(vector, lanes);
}

Value* VectorBuilder::join(Value* low, Value* high) {
  llvm::SmallVector<int> lanes;
  for (int i = 0; i < lanes_of(low) + lanes_of(high); ++i) lanes.push_back(i);
  return CreateShuffleVector(low, high, lanes);
}

Value* VectorBuilder::reverse(Value* vector) {
  llvm::SmallVector<int> lanes;
  for (int i = lanes_of(vector) - 1; i >= 0; --i) lanes.push_back(i);
  return CreateShuffleVector(vector, lanes);
}

Constant* VectorBuilder::mask(int lanes, int active) {
  llvm::SmallVector<Constant*> bits;
  for (int i = 0; i < lanes; ++i) bits.push_back(getInt1(i < active));
  return llvm::ConstantVector::get(bits);
}

llvm::AllocaInst* VectorBuilder::slot(llvm::Type* type) {
  llvm::BasicBlock& entry = GetInsertBlock()->getParent()->getEntryBlock();
  llvm::IRBuilder<> at(&entry, entry.begin());
  return at.CreateAlloca(type);
}

}  // namespace brisk
