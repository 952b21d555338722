#include "brisk/backends/cpu/llvm/memory_format.h"

// The 8-bit floats are encoded on the magnitude in f32: adding 2^23 quanta rounds to the nearest
// multiple of the quantum (the processor's own rounding), then exponent and mantissa are cut out of
// the f32 bits. The quantum is that of the value's binade, at least that of the subnormals.

namespace brisk {

using llvm::Value;

namespace {

struct Format8 {
  int exponent_bits, mantissa_bits;
  double largest;
  uint64_t overflow, nan;
  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
};
constexpr Format8 kE4m3{4, 3, 448.0, 0x7f, 0x7f};
constexpr Format8 kE5m2{5, 2, 57344.0, 0x7c, 0x7e};

Value* as_int32(VectorBuilder& b, Value* value) {
  return b.CreateBitCast(value, VectorBuilder::like(value, b.getInt32Ty()));
}
Value* as_float(VectorBuilder& b, Value* value) {
  return b.CreateBitCast(value, VectorBuilder::like(value, b.getFloatTy()));
}

Value* encode8(VectorBuilder& b, Value* value, const Format8& format) {
  Value* bits = as_int32(b, value);
  const auto constant = [&](int64_t c) {
    return b.integer(bits->getType(), static_cast<uint64_t>(c));
  };
  Value* magnitude_bits = b.CreateAnd(bits, constant(0x7fffffff));
  Value* magnitude = as_float(b, magnitude_bits);
  llvm::Type* floats = magnitude->getType();
  // The binade as a biased f32 exponent, not below that of the smallest normal number.
  Value* exponent =
      b.CreateBinaryIntrinsic(llvm::Intrinsic::umax, b.CreateLShr(magnitude_bits, constant(23)),
                              constant(128 - format.bias()));
  // 2^23 quanta as an f32; capped, since large values overflow anyway.
  Value* magic_exponent = b.CreateBinaryIntrinsic(
      llvm::Intrinsic::umin, b.CreateAdd(exponent, constant(23 - format.mantissa_bits)),
      constant(254));
  Value* magic = as_float(b, b.CreateShl(magic_exponent, constant(23)));
  Value* rounded = b.CreateFSub(b.CreateFAdd(magnitude, magic), magic);
  Value* rounded_bits = as_int32(b, rounded);
  Value* normal = b.CreateSub(b.CreateLShr(rounded_bits, constant(23 - format.mantissa_bits)),
                              constant(int64_t{127 - format.bias()} << format.mantissa_bits));
  const double steps = static_cast<double>(1 << (format.bias() - 1 + format.mantissa_bits));
  Value* is_normal = b.CreateICmpUGE(rounded_bits, constant(int64_t{128 - format.bias()} << 23));
  Value* small = b.CreateSelect(is_normal, b.real(floats, 0), rounded);
  Value* subnormal = b.CreateFPToSI(b.CreateFMul(small, b.real(floats, steps)), bits->getType());
  Value* result = b.CreateSelect(is_normal, normal, subnormal);
  // An infinity came out of the rounding as NaN: judged by its bits.
  Value* too_large = b.CreateOr(b.CreateFCmpOGT(rounded, b.real(floats, format.largest)),
                                b.CreateICmpUGE(magnitude_bits, constant(0x7f000000)));
  result = b.CreateSelect(too_large, constant(static_cast<int64_t>(format.overflow)), result);
  Value* nan = b.CreateICmpUGT(magnitude_bits, constant(0x7f800000));
  result = b.CreateSelect(nan, constant(static_cast<int64_t>(format.nan)), result);
  Value* sign = b.CreateAnd(b.CreateLShr(bits, constant(24)), constant(0x80));
  return b.CreateTrunc(b.CreateOr(result, sign), VectorBuilder::like(value, b.getInt8Ty()));
}

Value* decode_e4m3(VectorBuilder& b, Value* raw) {
  llvm::Type* ints = VectorBuilder::like(raw, b.getInt32Ty());
  const auto constant = [&](uint64_t c) { return b.integer(ints, c); };
  Value* bits = b.CreateZExt(raw, ints);
  Value* sign = b.CreateShl(b.CreateAnd(bits, constant(0x80)), constant(24));
  Value* magnitude = b.CreateAnd(bits, constant(0x7f));
  // In f32's places the exponent is 120 too small; a product puts that right, for subnormals too.
  Value* scaled = b.CreateFMul(as_float(b, b.CreateShl(magnitude, constant(20))),
                               b.real(VectorBuilder::like(raw, b.getFloatTy()), 0x1p120));
  Value* nan = b.CreateICmpEQ(magnitude, constant(0x7f));
  return as_float(b,
                  b.CreateSelect(nan, constant(0x7fc00000), b.CreateOr(as_int32(b, scaled), sign)));
}

Value* half_to_float(VectorBuilder& b, Value* raw) {
  Value* halves = b.CreateBitCast(raw, VectorBuilder::like(raw, b.getHalfTy()));
  return b.CreateFPExt(halves, VectorBuilder::like(raw, b.getFloatTy()));
}

Value* encode_bf16(VectorBuilder& b, Value* value) {
  Value* bits = as_int32(b, value);
  const auto constant = [&](uint64_t c) { return b.integer(bits->getType(), c); };
  Value* high = b.CreateLShr(bits, constant(16));
  Value* to_even = b.CreateAdd(b.CreateAnd(high, constant(1)), constant(0x7fff));
  Value* rounded = b.CreateLShr(b.CreateAdd(bits, to_even), constant(16));
  Value* quiet = b.CreateOr(high, constant(0x40));
  Value* result = b.CreateSelect(b.CreateFCmpUNO(value, value), quiet, rounded);
  return b.CreateTrunc(result, VectorBuilder::like(value, b.getInt16Ty()));
}

Value* encode_f16(VectorBuilder& b, Value* value) {
  Value* halves = b.CreateFPTrunc(value, VectorBuilder::like(value, b.getHalfTy()));
  return b.CreateBitCast(halves, VectorBuilder::like(value, b.getInt16Ty()));
}

}  // namespace

Value* decode(VectorBuilder& b, Value* raw, DType type) {
  switch (type) {
    case DType::boolean:
      return b.CreateICmpNE(raw, b.integer(raw->getType(), 0));
    case DType::bf16: {
      Value* bits = b.CreateZExt(raw, VectorBuilder::like(raw, b.getInt32Ty()));
      return as_float(b, b.CreateShl(bits, b.integer(bits->getType(), 16)));
    }
    case DType::f16:
      return half_to_float(b, raw);
    case DType::f8e5m2: {
      Value* bits = b.CreateZExt(raw, VectorBuilder::like(raw, b.getInt16Ty()));
      return half_to_float(b, b.CreateShl(bits, b.integer(bits->getType(), 8)));
    }
    case DType::f8e4m3:
      return decode_e4m3(b, raw);
    default:
      return raw;
  }
}

Value* encode(VectorBuilder& b, Value* value, DType type) {
  switch (type) {
    case DType::boolean:
      return b.CreateZExt(value, VectorBuilder::like(value, b.getInt8Ty()));
    case DType::bf16:
      return encode_bf16(b, value);
    case DType::f16:
      return encode_f16(b, value);
    case DType::f8e5m2:
      return encode8(b, value, kE5m2);
    case DType::f8e4m3:
      return encode8(b, value, kE4m3);
    default:
      return value;
  }
}

Value* load(VectorBuilder& b, DType type, Value* address, int64_t stride, int lanes, int active) {
  llvm::Type* element = b.memory_element(type);
  const llvm::Align alignment(element->getScalarSizeInBits() / 8);
  if (lanes == 1) return decode(b, b.CreateAlignedLoad(element, address, alignment), type);
  llvm::Type* vector = VectorBuilder::wide(element, lanes);
  if (stride == 1 && active == lanes)
    return decode(b, b.CreateAlignedLoad(vector, address, alignment), type);
  if (stride == 1)
    return decode(b,
                  b.CreateMaskedLoad(vector, address, alignment, b.mask(lanes, active),
                                     llvm::Constant::getNullValue(vector)),
                  type);
  if (stride == -1 && active == lanes) {
    Value* lowest = b.CreateGEP(element, address, b.getInt64(static_cast<uint64_t>(1 - lanes)));
    return decode(b, b.reverse(b.CreateAlignedLoad(vector, lowest, alignment)), type);
  }
  Value* raw = llvm::Constant::getNullValue(vector);
  for (int lane = 0; lane < active; ++lane) {
    Value* place = b.CreateGEP(element, address, b.getInt64(static_cast<uint64_t>(lane * stride)));
    raw = b.CreateInsertElement(raw, b.CreateAlignedLoad(element, place, alignment),
                                static_cast<uint64_t>(lane));
  }
  return decode(b, raw, type);
}

void store(VectorBuilder& b, Value* value, DType type, Value* address, int64_t stride, int active,
           bool streamed) {
  Value* raw = encode(b, value, type);
  llvm::Type* element = b.memory_element(type);
  const llvm::Align alignment(element->getScalarSizeInBits() / 8);
  const int lanes = VectorBuilder::lanes_of(value);
  if (streamed && stride == 1 && active == lanes) {
    const llvm::Align whole(static_cast<uint64_t>(lanes) * element->getScalarSizeInBits() / 8);
    llvm::StoreInst* written = b.CreateAlignedStore(raw, address, whole);
    auto* one = llvm::ConstantAsMetadata::get(b.getInt32(1));
    written->setMetadata(llvm::LLVMContext::MD_nontemporal,
                         llvm::MDNode::get(b.getContext(), {one}));
  } else if (lanes == 1 || (stride == 1 && active == lanes)) {
    b.CreateAlignedStore(raw, address, alignment);
  } else if (stride == 1) {
    b.CreateMaskedStore(raw, address, alignment, b.mask(lanes, active));
  } else {
    for (int lane = 0; lane < active; ++lane) {
      Value* place =
          b.CreateGEP(element, address, b.getInt64(static_cast<uint64_t>(lane * stride)));
      b.CreateAlignedStore(b.CreateExtractElement(raw, static_cast<uint64_t>(lane)), place,
                           alignment);
    }
  }
}

}  // namespace brisk
