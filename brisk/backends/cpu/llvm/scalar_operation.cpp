#include "brisk/backends/cpu/llvm/scalar_operation.h"

#include "brisk/backends/cpu/llvm/vector_math.h"

// brisk's own predicates over types live in a library that this one does not link; here they are
// asked of LLVM's types, only signedness comes from DType.

namespace brisk {

using llvm::Value;

namespace {

bool is_unsigned(DType type) {
  switch (type) {
    case DType::u64:
    case DType::u32:
    case DType::u16:
    case DType::u8:
    case DType::boolean:
      return true;
    default:
      return false;
  }
}
bool is_real(const Value* value) {
  return value->getType()->isFPOrFPVectorTy();
}

bool is_number(const Value* value) {  // a constant that is not NaN
  const auto* constant = llvm::dyn_cast<llvm::Constant>(value);
  if (constant == nullptr) return false;
  if (constant->getType()->isVectorTy()) constant = constant->getSplatValue();
  const auto* real = llvm::dyn_cast_or_null<llvm::ConstantFP>(constant);
  return real != nullptr && !real->isNaN();
}

/// NaN if either is NaN; the first operand on a tie.
Value* extreme(VectorBuilder& b, Value* x, Value* y, bool greatest, bool is_signed) {
  if (!is_real(x))
    return b.CreateBinaryIntrinsic(
        greatest ? (is_signed ? llvm::Intrinsic::smax : llvm::Intrinsic::umax)
                 : (is_signed ? llvm::Intrinsic::smin : llvm::Intrinsic::umin),
        x, y);
  Value* second = greatest ? b.CreateFCmpOGT(y, x) : b.CreateFCmpOLT(y, x);
  Value* ordered = b.CreateSelect(second, y, x);  // x where x is NaN
  return is_number(y) ? ordered : b.CreateSelect(b.CreateFCmpUNO(y, y), y, ordered);
}

/// Division by zero gives 0, the lowest value by -1 wraps; the processor's instruction would trap.
Value* integer_divide(VectorBuilder& b, Value* x, Value* y, bool is_signed) {
  llvm::Type* type = x->getType();
  Value* zero = b.integer(type, 0);
  Value* one = b.integer(type, 1);
  Value* by_zero = b.CreateICmpEQ(y, zero);
  if (!is_signed) {
    Value* safe = b.CreateSelect(by_zero, one, y);
    return b.CreateSelect(by_zero, zero, b.CreateUDiv(x, safe));
  }
  Value* by_minus_one = b.CreateICmpEQ(y, b.integer(type, UINT64_MAX));
  Value* safe = b.CreateSelect(b.CreateOr(by_zero, by_minus_one), one, y);
  Value* quotient = b.CreateSDiv(x, safe);
  quotient = b.CreateSelect(by_minus_one, b.CreateNeg(x), quotient);
  return b.CreateSelect(by_zero, zero, quotient);
}

Value* shift(VectorBuilder& b, ScalarOp op, Value* x, Value* by, bool is_signed) {
  llvm::Type* type = x->getType();
  const unsigned width = type->getScalarSizeInBits();
  Value* within = b.CreateICmpULT(by, b.integer(type, width));
  if (op == ScalarOp::shift_right && is_signed)
    return b.CreateAShr(x, b.CreateSelect(within, by, b.integer(type, width - 1)));
  Value* safe = b.CreateSelect(within, by, b.integer(type, 0));
  Value* shifted = op == ScalarOp::shift_left ? b.CreateShl(x, safe) : b.CreateLShr(x, safe);
  return b.CreateSelect(within, shifted, b.integer(type, 0));
}

/// To 8 or 16 bits, saturating, NaN to 0: clamped as floats and taken through 32 bits, since LLVM
/// makes scalar code of its own saturating conversion to so few.
Value* to_few_bits(VectorBuilder& b, Value* x, bool to_unsigned, llvm::Type* target) {
  const auto span = static_cast<double>(1u << target->getScalarSizeInBits());
  Value* low = b.real(x->getType(), to_unsigned ? 0 : -span / 2);
  Value* high = b.real(x->getType(), to_unsigned ? span - 1 : span / 2 - 1);
  Value* clamped = b.CreateSelect(b.CreateFCmpOGT(x, low), x, low);
  clamped = b.CreateSelect(b.CreateFCmpOLT(clamped, high), clamped, high);
  if (!to_unsigned)
    clamped = b.CreateSelect(b.CreateFCmpUNO(x, x), b.real(x->getType(), 0), clamped);
  return b.CreateTrunc(b.CreateFPToSI(clamped, VectorBuilder::like(x, b.getInt32Ty())), target);
}

Value* emit_cast(VectorBuilder& b, Value* x, DType from, DType to) {
  llvm::Type* target = VectorBuilder::like(x, b.compute_element(to));
  const bool to_real = target->isFPOrFPVectorTy();
  if (to == DType::boolean) {
    if (from == DType::boolean) return x;
    return is_real(x) ? b.CreateFCmpUNE(x, b.real(x->getType(), 0))
                      : b.CreateICmpNE(x, b.integer(x->getType(), 0));
  }
  if (is_real(x) && to_real) return b.CreateFPCast(x, target);
  if (is_real(x) && target->getScalarSizeInBits() <= 16)
    return to_few_bits(b, x, is_unsigned(to), target);
  if (is_real(x))
    return b.CreateIntrinsic(
        is_unsigned(to) ? llvm::Intrinsic::fptoui_sat : llvm::Intrinsic::fptosi_sat,
        {target, x->getType()}, {x});
  if (to_real) return is_unsigned(from) ? b.CreateUIToFP(x, target) : b.CreateSIToFP(x, target);
  return b.CreateIntCast(x, target, !is_unsigned(from));
}

Value* compare(VectorBuilder& b, ScalarOp op, Value* x, Value* y, bool is_signed) {
  using P = llvm::CmpInst::Predicate;
  const bool real = is_real(x);
  P predicate = P::BAD_ICMP_PREDICATE;
  switch (op) {
    case ScalarOp::equal:
      predicate = real ? P::FCMP_OEQ : P::ICMP_EQ;
      break;
    case ScalarOp::not_equal:
      predicate = real ? P::FCMP_UNE : P::ICMP_NE;
      break;
    case ScalarOp::less:
      predicate = real ? P::FCMP_OLT : is_signed ? P::ICMP_SLT : P::ICMP_ULT;
      break;
    default:
      predicate = real ? P::FCMP_OLE : is_signed ? P::ICMP_SLE : P::ICMP_ULE;
      break;
  }
  return b.CreateCmp(predicate, x, y);
}

Value* is_finite(VectorBuilder& b, Value* x) {
  Value* magnitude = b.unary(llvm::Intrinsic::fabs, x);
  return b.CreateFCmpOLT(magnitude, b.real(x->getType(), __builtin_inf()));
}

/// nullptr for operations that are not functions of one real argument.
const char* libm_name(ScalarOp op) {
  switch (op) {
    case ScalarOp::exponential:
      return "exp";
    case ScalarOp::expm1:
      return "expm1";
    case ScalarOp::logarithm:
      return "log";
    case ScalarOp::log1p:
      return "log1p";
    case ScalarOp::sine:
      return "sin";
    case ScalarOp::cosine:
      return "cos";
    case ScalarOp::tangent:
      return "tan";
    case ScalarOp::hyperbolic_tangent:
      return "tanh";
    case ScalarOp::error_function:
      return "erf";
    default:
      return nullptr;
  }
}

Value* emit_unary(VectorBuilder& b, ScalarOp op, Value* x, bool is_signed) {
  const bool real = is_real(x);
  switch (op) {
    case ScalarOp::negate:
      return real ? b.CreateFNeg(x) : b.CreateNeg(x);
    case ScalarOp::absolute:
      if (real) return b.unary(llvm::Intrinsic::fabs, x);
      return is_signed ? b.CreateBinaryIntrinsic(llvm::Intrinsic::abs, x, b.getFalse()) : x;
    case ScalarOp::square_root:
      return b.unary(llvm::Intrinsic::sqrt, x);
    case ScalarOp::floor:
      return b.unary(llvm::Intrinsic::floor, x);
    case ScalarOp::ceiling:
      return b.unary(llvm::Intrinsic::ceil, x);
    case ScalarOp::round_even:
      return b.unary(llvm::Intrinsic::roundeven, x);
    case ScalarOp::is_finite:
      return is_finite(b, x);
    case ScalarOp::bit_not:
      return b.CreateNot(x);
    default:
      break;
  }
  if (x->getType()->getScalarType()->isFloatTy()) {
    if (op == ScalarOp::exponential) return exp_f32(b, x);
    if (op == ScalarOp::logarithm) return log_f32(b, x);
    if (op == ScalarOp::hyperbolic_tangent) return tanh_f32(b, x);
    if (op == ScalarOp::error_function) return erf_f32(b, x);
  }
  return call_libmvec(b, libm_name(op), {x});
}

}  // namespace

llvm::Constant* emit_constant(VectorBuilder& b, DType type, double value, uint64_t bits) {
  llvm::Type* element = b.compute_element(type);
  return element->isFloatingPointTy() ? b.real(element, value) : b.integer(element, bits);
}

Value* emit_binary(VectorBuilder& b, ScalarOp op, DType type, Value* x, Value* y) {
  const bool real = is_real(x), is_signed = !is_unsigned(type);
  switch (op) {
    case ScalarOp::add:
      return real ? b.CreateFAdd(x, y) : b.CreateAdd(x, y);
    case ScalarOp::subtract:
      return real ? b.CreateFSub(x, y) : b.CreateSub(x, y);
    case ScalarOp::multiply:
      return real ? b.CreateFMul(x, y) : b.CreateMul(x, y);
    case ScalarOp::divide:
      return real ? b.CreateFDiv(x, y) : integer_divide(b, x, y, is_signed);
    case ScalarOp::remainder: {
      if (real) return fmod(b, x, y);
      Value* rest = b.CreateSub(x, b.CreateMul(integer_divide(b, x, y, is_signed), y));
      return b.CreateSelect(b.CreateICmpEQ(y, b.integer(y->getType(), 0)), y, rest);
    }
    case ScalarOp::maximum:
      return extreme(b, x, y, true, is_signed);
    case ScalarOp::minimum:
      return extreme(b, x, y, false, is_signed);
    case ScalarOp::power:
      return real ? call_libmvec(b, "pow", {x, y}) : integer_power(b, x, y, is_signed);
    case ScalarOp::atan2:
      return call_libmvec(b, "atan2", {x, y});
    case ScalarOp::bit_and:
      return b.CreateAnd(x, y);
    case ScalarOp::bit_or:
      return b.CreateOr(x, y);
    case ScalarOp::bit_xor:
      return b.CreateXor(x, y);
    case ScalarOp::shift_left:
    case ScalarOp::shift_right:
      return shift(b, op, x, y, is_signed);
    default:
      return compare(b, op, x, y, is_signed);
  }
}

Value* emit_operation(VectorBuilder& b, const LoopLine& line, DType operand_type,
                      llvm::ArrayRef<Value*> operands) {
  switch (line.op) {
    case ScalarOp::constant:
      return emit_constant(b, line.type, line.value, line.bits);
    case ScalarOp::select:
      return b.CreateSelect(operands[0], operands[1], operands[2]);
    case ScalarOp::cast:
      return emit_cast(b, operands[0], operand_type, line.type);
    default:
      break;
  }
  if (operands.size() == 1) return emit_unary(b, line.op, operands[0], !is_unsigned(operand_type));
  return emit_binary(b, line.op, operand_type, operands[0], operands[1]);
}

}  // namespace brisk
