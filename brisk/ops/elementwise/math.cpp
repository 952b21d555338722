#include <numbers>

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/elementwise/elementwise_ops.h"

// Where the derivative has a form in the result, the gradient takes that form: the operand then
// need not be kept for the backward pass.

namespace brisk {
namespace {

Op exp_op() {
  return unary("exp", kFloating)
      .doc("e to the power of each element.")
      .expr(on_scalars([](Expr x) { return exp(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return g * d.out(); }));
}

Op expm1_op() {
  return unary("expm1", kFloating)
      .doc("e to the power of each element, minus 1, accurate near 0.")
      .expr(on_scalars([](Expr x) { return expm1(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return g * (d.out() + 1.0); }));
}

Op log_op() {
  return unary("log", kFloating)
      .doc("The natural logarithm of each element.")
      .expr(on_scalars([](Expr x) { return log(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return g / d.in(0); }));
}

Op log1p_op() {
  return unary("log1p", kFloating)
      .doc("The natural logarithm of 1 plus each element, accurate near 0.")
      .expr(on_scalars([](Expr x) { return log1p(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return g / (d.in(0) + 1.0); }));
}

Op sqrt_op() {
  return unary("sqrt", kFloating)
      .doc("The square root of each element.")
      .expr(on_scalars([](Expr x) { return sqrt(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return 0.5 * g / d.out(); }));
}

Op rsqrt_op() {
  return unary("rsqrt", kFloating)
      .doc("1 divided by the square root of each element.")
      .expr(on_scalars([](Expr x) { return 1.0 / sqrt(x); }))
      .vjp(
          derivative([](const Vjp& d, Value g) { return -0.5 * g * (d.out() * square(d.out())); }));
}

Op sin_op() {
  return unary("sin", kFloating)
      .doc("The sine of each element, in radians.")
      .expr(on_scalars([](Expr x) { return sin(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return g * cos(d.in(0)); }));
}

Op cos_op() {
  return unary("cos", kFloating)
      .doc("The cosine of each element, in radians.")
      .expr(on_scalars([](Expr x) { return cos(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return -(g * sin(d.in(0))); }));
}

Op tan_op() {
  return unary("tan", kFloating)
      .doc("The tangent of each element, in radians.")
      .expr(on_scalars([](Expr x) { return tan(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return g * (1.0 + square(d.out())); }));
}

Op tanh_op() {
  return unary("tanh", kFloating)
      .doc("The hyperbolic tangent of each element.")
      .expr(on_scalars([](Expr x) { return tanh(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return g * (1.0 - square(d.out())); }));
}

Op erf_op() {
  return unary("erf", kFloating)
      .doc("The error function of each element.")
      .expr(on_scalars([](Expr x) { return erf(x); }))
      .vjp(slope([](Value x) { return 2 * std::numbers::inv_sqrtpi * exp(-square(x)); }));
}

Op sigmoid_op() {
  return unary("sigmoid", kFloating)
      .doc("The logistic function 1 / (1 + exp(-x)).")
      .expr(on_scalars([](Expr x) { return sigmoid(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return g * (d.out() * (1.0 - d.out())); }));
}

Op pow_op() {
  return binary("pow", kNumeric)
      .doc(
          "The first tensor to the power of the second, element by element; a negative integer "
          "exponent gives 0. The gradient towards the exponent is 0 where the base is not "
          "positive.")
      .expr(on_scalars([](Expr a, Expr b) { return pow(a, b); }))
      .vjp([](const Vjp& d) -> std::vector<Value> {
        const Value &base = d.in(0), &exponent = d.in(1);
        const Value zero = constant_beside(base, 0), one = constant_beside(base, 1);
        Value to_base, to_exponent;
        if (d.needs(0)) {
          // With exponent 0 the formula would be 0 * pow(base, -1): NaN at base 0.
          const Value constant = equal(exponent, zero);
          const Value lowered = pow(base, select(constant, one, exponent - 1.0));
          to_base = d.grad() * (exponent * lowered);
        }
        if (d.needs(1)) {
          const Value positive = greater(base, zero);
          to_exponent =
              d.grad() * zero_unless(positive, d.out() * log(select(positive, base, one)));
        }
        return {to_base, to_exponent};
      });
}

Op atan2_op() {
  return binary("atan2", kFloating)
      .doc("The angle of the point (second, first) in radians, in [-pi, pi].")
      .expr(on_scalars([](Expr y, Expr x) { return atan2(y, x); }))
      .vjp([](const Vjp& d) -> std::vector<Value> {
        const Value &y = d.in(0), &x = d.in(1);
        const Value scaled = d.grad() / (square(x) + square(y));
        return {scaled * x, -(scaled * y)};
      });
}

}  // namespace

void add_math_ops(OpSet& set) {
  for (auto make : {exp_op, expm1_op, log_op, log1p_op, sqrt_op, rsqrt_op, sin_op, cos_op, tan_op,
                    tanh_op, erf_op, sigmoid_op, pow_op, atan2_op})
    set.add(make());
}

Value exp(Value x) {
  return emit_unary("exp", x);
}
Value expm1(Value x) {
  return emit_unary("expm1", x);
}
Value log(Value x) {
  return emit_unary("log", x);
}
Value log1p(Value x) {
  return emit_unary("log1p", x);
}
Value sqrt(Value x) {
  return emit_unary("sqrt", x);
}
Value rsqrt(Value x) {
  return emit_unary("rsqrt", x);
}
Value sin(Value x) {
  return emit_unary("sin", x);
}
Value cos(Value x) {
  return emit_unary("cos", x);
}
Value tan(Value x) {
  return emit_unary("tan", x);
}
Value tanh(Value x) {
  return emit_unary("tanh", x);
}
Value erf(Value x) {
  return emit_unary("erf", x);
}
Value sigmoid(Value x) {
  return emit_unary("sigmoid", x);
}
Value pow(Value a, Value b) {
  return emit_broadcasting("pow", {a, b});
}
Value atan2(Value a, Value b) {
  return emit_broadcasting("atan2", {a, b});
}

}  // namespace brisk
