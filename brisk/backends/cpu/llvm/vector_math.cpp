#include "brisk/backends/cpu/llvm/vector_math.h"

#include <string>

// Polynomial coefficients are Chebyshev fits of this project over the reduced ranges given beside
// them; the errors stated are of the fit in exact arithmetic.

namespace brisk {

using llvm::Value;

namespace {

Value* bits_of(VectorBuilder& b, Value* x) {
  return b.CreateBitCast(x, VectorBuilder::like(x, b.getInt32Ty()));
}
Value* float_of(VectorBuilder& b, Value* bits) {
  return b.CreateBitCast(bits, VectorBuilder::like(bits, b.getFloatTy()));
}

/// 2^n for integers n in [-126, 127].
Value* power_of_two(VectorBuilder& b, Value* n) {
  return float_of(
      b, b.CreateShl(b.CreateAdd(n, b.integer(n->getType(), 127)), b.integer(n->getType(), 23)));
}

Value* any_lane(VectorBuilder& b, Value* condition) {
  return VectorBuilder::lanes_of(condition) == 1 ? condition : b.CreateOrReduce(condition);
}

/// A loop over one changing value: while any lane of `go_on(state)` holds, state = step(state).
template <typename GoOn, typename Step>
Value* iterate(VectorBuilder& b, llvm::ArrayRef<Value*> initial, size_t result, GoOn&& go_on,
               Step&& step) {
  llvm::Function* function = b.GetInsertBlock()->getParent();
  auto* before = b.GetInsertBlock();
  auto* head = llvm::BasicBlock::Create(b.getContext(), "", function);
  auto* turn = llvm::BasicBlock::Create(b.getContext(), "", function);
  auto* done = llvm::BasicBlock::Create(b.getContext(), "", function);
  b.CreateBr(head);
  b.SetInsertPoint(head);
  llvm::SmallVector<llvm::PHINode*> phis;
  llvm::SmallVector<Value*> state;
  for (Value* value : initial) {
    phis.push_back(b.CreatePHI(value->getType(), 2));
    phis.back()->addIncoming(value, before);
    state.push_back(phis.back());
  }
  b.CreateCondBr(any_lane(b, go_on(state)), turn, done);
  b.SetInsertPoint(turn);
  const llvm::SmallVector<Value*> next = step(state);
  for (size_t i = 0; i < phis.size(); ++i) phis[i]->addIncoming(next[i], b.GetInsertBlock());
  b.CreateBr(head);
  b.SetInsertPoint(done);
  return phis[result];
}

}  // namespace

Value* exp_f32(VectorBuilder& b, Value* x) {
  llvm::Type* type = x->getType();
  // Beyond these bounds the result is 0 or infinity anyway; NaN passes both comparisons.
  Value* bounded = b.CreateSelect(b.CreateFCmpOLT(x, b.real(type, -104)), b.real(type, -104), x);
  bounded = b.CreateSelect(b.CreateFCmpOGT(bounded, b.real(type, 89)), b.real(type, 89), bounded);
  // n = round(x / ln 2) in the low bits of a float whose unit is 1.
  constexpr double kUnitIsOne = 12582912.0;  // 1.5 * 2^23
  Value* shifted = b.fma(bounded, 1.44269504088896341, b.real(type, kUnitIsOne));
  Value* n_bits = bits_of(b, shifted);
  Value* n = b.CreateSub(n_bits, b.integer(n_bits->getType(), 0x4b400000));
  Value* n_float = b.CreateFSub(shifted, b.real(type, kUnitIsOne));
  Value* r = b.fma(n_float, -0.693145751953125, bounded);
  r = b.fma(n_float, -1.42860682030941723212e-6, r);
  // exp(r) = 1 + r + r^2 q(r) on |r| <= 0.35; relative error 8e-9.
  Value* q =
      b.polynomial(r, {0.0013926926614, 0.00836377387441, 0.0416665501103, 0.166665733819, 0.5});
  Value* y = b.CreateFAdd(b.fma(b.CreateFMul(r, r), q, r), b.real(type, 1));
  // In two factors, so that subnormal results are rounded once and 2^128 does not overflow.
  Value* half = b.CreateAShr(n, b.integer(n->getType(), 1));
  y = b.CreateFMul(y, power_of_two(b, half));
  return b.CreateFMul(y, power_of_two(b, b.CreateSub(n, half)));
}

Value* log_f32(VectorBuilder& b, Value* x) {
  llvm::Type* type = x->getType();
  Value* tiny = b.CreateFCmpOLT(x, b.real(type, 0x1p-126));
  Value* scaled = b.CreateSelect(tiny, b.CreateFMul(x, b.real(type, 0x1p23)), x);
  // x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
  Value* bits = bits_of(b, scaled);
  const auto constant = [&](uint64_t c) { return b.integer(bits->getType(), c); };
  Value* e = b.CreateAShr(b.CreateSub(bits, constant(0x3f3504f3)), constant(23));
  Value* f =
      b.CreateFSub(float_of(b, b.CreateSub(bits, b.CreateShl(e, constant(23)))), b.real(type, 1));
  e = b.CreateSub(e, b.CreateSelect(tiny, constant(23), constant(0)));
  Value* exponent = b.CreateSIToFP(e, type);
  // log(1 + f) = f - f^2/2 + f^3 q(f); relative error 2e-8.
  Value* q = b.polynomial(
      f, {0.0697161147145, -0.114797338466, 0.116854199235, -0.124256873315, 0.142490576457,
          -0.166678023195, 0.200007157489, -0.24999996958, 0.3333333118});
  Value* square = b.CreateFMul(f, f);
  Value* y = b.CreateFMul(b.CreateFMul(square, f), q);
  y = b.fma(exponent, -2.12194440e-4, y);  // ln 2 in two parts, the first exact times e
  y = b.fma(square, -0.5, y);
  y = b.fma(exponent, 0.693359375, b.CreateFAdd(f, y));
  const double infinity = __builtin_inf();
  y = b.CreateSelect(b.CreateFCmpOEQ(x, b.real(type, infinity)), x, y);
  y = b.CreateSelect(b.CreateFCmpOEQ(x, b.real(type, 0)), b.real(type, -infinity), y);
  return b.CreateSelect(b.CreateFCmpULT(x, b.real(type, 0)), b.real(type, __builtin_nan("")), y);
}

Value* tanh_f32(VectorBuilder& b, Value* x) {
  llvm::Type* type = x->getType();
  Value* magnitude = b.unary(llvm::Intrinsic::fabs, x);
  // Near zero x + x^3 q(x^2) on x^2 <= 0.4 (relative error 2e-8), else 1 - 2 / (exp(2x) + 1).
  Value* square = b.CreateFMul(x, x);
  Value* q = b.polynomial(square, {-0.00604516509652, 0.0209613291086, -0.0538432631753,
                                   0.133327188456, -0.333333284333});
  Value* near_zero = b.fma(b.CreateFMul(square, magnitude), q, magnitude);
  Value* e = exp_f32(b, b.CreateFAdd(magnitude, magnitude));
  Value* far = b.CreateFSub(b.real(type, 1),
                            b.CreateFDiv(b.real(type, 2), b.CreateFAdd(e, b.real(type, 1))));
  Value* result = b.CreateSelect(b.CreateFCmpOLT(magnitude, b.real(type, 0.625)), near_zero, far);
  return b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, result, x);
}

Value* erf_f32(VectorBuilder& b, Value* x) {
  llvm::Type* type = x->getType();
  Value* magnitude = b.unary(llvm::Intrinsic::fabs, x);
  // Below 1: x p(x^2), relative error 1e-9. From 1 to 4: 1 - exp(-p(x)), where p fits -log(erfc);
  // its error 2e-8 is one of erfc, which is below 0.16 there. Beyond 4 the result rounds to 1.
  Value* near_zero =
      b.CreateFMul(x, b.polynomial(b.CreateFMul(x, x),
                                   {7.8758750627e-5, -0.00080168642872, 0.0051890874234,
                                    -0.026854212011, 0.11283594715, -0.37612626667, 1.1283791658}));
  Value* bounded =
      b.CreateSelect(b.CreateFCmpOGT(magnitude, b.real(type, 4)), b.real(type, 4), magnitude);
  Value* p = b.polynomial(
      bounded, {-1.6386373249e-6, 4.608744729e-5, -0.00059705294613, 0.0047607477108,
                -0.026424370927, 0.11008568029, 0.63182024678, 1.1302367226, -0.00032091438299});
  Value* far = b.CreateFSub(b.real(type, 1), exp_f32(b, b.CreateFNeg(p)));
  far = b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, far, x);
  return b.CreateSelect(b.CreateFCmpOLT(magnitude, b.real(type, 1)), near_zero, far);
}

// fmod in f64: subtract q * (y * 2^k) while the rest is not below y, with k such that q has at most
// 52 bits. Then q * y * 2^k is at most one multiple too large and the rest is exact in one FMA: a
// multiple of y's unit, smaller than y * 2^k. Each turn removes 51 bits of the quotient.
Value* fmod(VectorBuilder& b, Value* x, Value* y) {
  llvm::Type* doubles = VectorBuilder::like(x, b.getDoubleTy());
  llvm::Type* longs = VectorBuilder::like(x, b.getInt64Ty());
  const bool is_float = x->getType()->getScalarType()->isFloatTy();
  const auto real = [&](double c) { return b.real(doubles, c); };
  const auto integer = [&](int64_t c) { return b.integer(longs, static_cast<uint64_t>(c)); };
  Value* dividend = b.unary(llvm::Intrinsic::fabs, is_float ? b.CreateFPExt(x, doubles) : x);
  Value* divisor = b.unary(llvm::Intrinsic::fabs, is_float ? b.CreateFPExt(y, doubles) : y);
  Value* infinite = real(__builtin_inf());
  Value* defined =
      b.CreateAnd(b.CreateFCmpOLT(dividend, infinite), b.CreateFCmpOGT(divisor, real(0)));
  Value* whole = b.CreateOr(b.CreateNot(defined), b.CreateFCmpOEQ(divisor, infinite));
  Value* safe_divisor = b.CreateSelect(whole, real(1), divisor);
  Value* start = b.CreateSelect(whole, real(0), dividend);
  const auto power = [&](Value* n) {  // 2^n
    return b.CreateBitCast(b.CreateShl(b.CreateAdd(n, integer(1023)), integer(52)), doubles);
  };
  const auto exponent = [&](Value* positive) {  // of the leading bit, subnormal numbers too
    Value* subnormal = b.CreateFCmpOLT(positive, real(0x1p-1022));
    Value* normal = b.CreateSelect(subnormal, b.CreateFMul(positive, real(0x1p54)), positive);
    Value* biased = b.CreateLShr(b.CreateBitCast(normal, longs), integer(52));
    return b.CreateSub(biased, b.CreateSelect(subnormal, integer(1023 + 54), integer(1023)));
  };
  Value* divisor_exponent = exponent(safe_divisor);
  Value* rest = iterate(
      b, {start}, 0, [&](auto& state) { return b.CreateFCmpOGE(state[0], safe_divisor); },
      [&](auto& state) -> llvm::SmallVector<Value*> {
        Value* r = state[0];
        Value* k = b.CreateSub(b.CreateSub(exponent(r), divisor_exponent), integer(51));
        k = b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, k, integer(0));
        Value* half = b.CreateLShr(k, integer(1));  // 2^k itself may overflow
        Value* step =
            b.CreateFMul(b.CreateFMul(safe_divisor, power(half)), power(b.CreateSub(k, half)));
        Value* q = b.unary(llvm::Intrinsic::trunc, b.CreateFDiv(r, step));
        Value* left = b.fma(b.CreateFNeg(q), step, r);
        left = b.CreateSelect(b.CreateFCmpOLT(left, real(0)), b.CreateFAdd(left, step), left);
        // Lanes that are done stay.
        return {b.CreateSelect(b.CreateFCmpOGE(r, safe_divisor), left, r)};
      });
  rest = b.CreateSelect(whole, dividend, rest);
  rest = b.CreateSelect(defined, rest, real(__builtin_nan("")));
  if (is_float) rest = b.CreateFPTrunc(rest, x->getType());
  return b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, rest, x);
}

Value* integer_power(VectorBuilder& b, Value* base, Value* exponent, bool is_signed) {
  llvm::Type* type = base->getType();
  Value* zero = b.integer(type, 0);
  Value* one = b.integer(type, 1);
  Value* negative =
      is_signed ? b.CreateICmpSLT(exponent, zero) : static_cast<Value*>(b.CreateICmpNE(zero, zero));
  Value* start = b.CreateSelect(negative, zero, exponent);
  Value* result = iterate(
      b, {start, base, one}, 2, [&](auto& state) { return b.CreateICmpNE(state[0], zero); },
      [&](auto& state) -> llvm::SmallVector<Value*> {
        Value* odd = b.CreateICmpNE(b.CreateAnd(state[0], one), zero);
        return {b.CreateLShr(state[0], one), b.CreateMul(state[1], state[1]),
                b.CreateSelect(odd, b.CreateMul(state[2], state[1]), state[2])};
      });
  return b.CreateSelect(negative, zero, result);
}

Value* call_libmvec(VectorBuilder& b, const char* name, llvm::ArrayRef<Value*> arguments) {
  llvm::Type* element = arguments[0]->getType()->getScalarType();
  const bool is_float = element->isFloatTy();
  const int native = b.register_bits() / (is_float ? 32 : 64);
  const int lanes = VectorBuilder::lanes_of(arguments[0]);
  if (lanes > native) {
    llvm::SmallVector<Value*> low, high;
    for (Value* argument : arguments) {
      low.push_back(b.slice(argument, 0, lanes / 2));
      high.push_back(b.slice(argument, lanes / 2, lanes / 2));
    }
    Value* first = call_libmvec(b, name, low);
    return b.join(first, call_libmvec(b, name, high));
  }
  llvm::SmallVector<Value*> full;
  for (Value* argument : arguments) {
    if (lanes == 1) {
      full.push_back(b.splat(argument, native));
    } else if (lanes < native) {  // repeat lanes: their values cause no extra special cases
      llvm::SmallVector<int> repeated;
      for (int i = 0; i < native; ++i) repeated.push_back(i % lanes);
      full.push_back(b.CreateShuffleVector(argument, repeated));
    } else {
      full.push_back(argument);
    }
  }
  llvm::Type* vector = VectorBuilder::wide(element, native);
  const llvm::SmallVector<llvm::Type*> types(arguments.size(), vector);
  const std::string symbol = std::string("_ZGV") + (b.isa() == VectorIsa::avx512 ? "e" : "d") +
                             "N" + std::to_string(native) + (arguments.size() == 2 ? "vv_" : "v_") +
                             name + (is_float ? "f" : "");
  llvm::FunctionCallee callee =
      b.module().getOrInsertFunction(symbol, llvm::FunctionType::get(vector, types, false));
  auto* function = llvm::cast<llvm::Function>(callee.getCallee());
  function->setDoesNotThrow();
  function->setDoesNotAccessMemory();
  llvm::CallInst* result = b.CreateCall(callee, full);
  return b.slice(result, 0, lanes);
}

}  // namespace brisk
