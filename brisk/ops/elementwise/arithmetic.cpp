#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/elementwise/elementwise_ops.h"

namespace brisk {
namespace {

Op negate_op() {
  return unary("negate", kSigned)
      .doc("The negative of each element; the lowest integer wraps to itself.")
      .expr(on_scalars([](Expr x) { return -x; }))
      .vjp(derivative([](const Vjp&, Value g) { return -g; }));
}

Op abs_op() {
  return unary("abs", kSigned)
      .doc("The magnitude of each element; its gradient at 0 is 0.")
      .expr(on_scalars([](Expr x) { return abs(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return g * sign(d.in(0)); }))
      .not_smooth();
}

Op sign_op() {
  return unary("sign", kSigned)
      .doc("1, 0 or -1 by the sign of each element; NaN stays NaN and -0 stays -0.")
      .expr(on_scalars([](Expr x) {
        const Expr one = Expr::constant(x.type(), 1), minus_one = Expr::constant(x.type(), -1);
        return select(greater(x, 0.0), one, select(less(x, 0.0), minus_one, x));
      }))
      .not_differentiable();
}

Op square_op() {
  return unary("square", kNumeric)
      .doc("Each element times itself.")
      .expr(on_scalars([](Expr x) { return x * x; }))
      .vjp(derivative([](const Vjp& d, Value g) { return g * (2.0 * d.in(0)); }));
}

Op reciprocal_op() {
  return unary("reciprocal", kFloating)
      .doc("1 divided by each element.")
      .expr(on_scalars([](Expr x) { return 1.0 / x; }))
      .vjp(derivative([](const Vjp& d, Value g) { return -(g * square(d.out())); }));
}

Op add_op() {
  return binary("add", kNumeric)
      .doc("The sum of two tensors, element by element; integers wrap.")
      .expr(on_scalars([](Expr a, Expr b) { return a + b; }))
      .vjp([](const Vjp& d) -> std::vector<Value> {
        return {d.grad(), d.grad()};
      })
      .with([](Op& op) { op.commutative = true; });
}

Op subtract_op() {
  return binary("subtract", kNumeric)
      .doc("The difference of two tensors, element by element; integers wrap.")
      .expr(on_scalars([](Expr a, Expr b) { return a - b; }))
      .vjp([](const Vjp& d) -> std::vector<Value> {
        return {d.grad(), d.needs(1) ? -d.grad() : Value()};
      });
}

Op multiply_op() {
  return binary("multiply", kNumeric)
      .doc("The product of two tensors, element by element; integers wrap.")
      .expr(on_scalars([](Expr a, Expr b) { return a * b; }))
      .vjp([](const Vjp& d) -> std::vector<Value> {
        return {d.needs(0) ? d.grad() * d.in(1) : Value(),
                d.needs(1) ? d.grad() * d.in(0) : Value()};
      })
      .with([](Op& op) { op.commutative = true; });
}

Op divide_op() {
  return binary("divide", kNumeric)
      .doc(
          "The quotient of two tensors, element by element; integers truncate toward zero, and "
          "an integer divided by zero is 0.")
      .expr(on_scalars([](Expr a, Expr b) { return a / b; }))
      .vjp([](const Vjp& d) -> std::vector<Value> {
        const Value quotient = d.grad() / d.in(1);
        return {quotient, d.needs(1) ? -(quotient * d.out()) : Value()};
      });
}

Op remainder_op() {
  return binary("remainder", kNumeric)
      .doc(
          "The remainder of a truncated division (C's fmod and %): it has the sign of the "
          "dividend; an integer's remainder by zero is 0.")
      .expr(on_scalars([](Expr a, Expr b) { return remainder(a, b); }))
      .vjp([](const Vjp& d) -> std::vector<Value> {
        // a = trunc(a / b) * b + out, and the truncated quotient is constant almost everywhere.
        return {d.grad(), d.needs(1) ? d.grad() * ((d.out() - d.in(0)) / d.in(1)) : Value()};
      })
      .not_smooth();
}

Op fused_multiply_add_op() {
  Op op = binary("fused_multiply_add", kFloating);
  return std::move(op)
      .operands(3)
      .doc("a * b + c, element by element; the product is rounded first.")
      .expr(on_scalars([](Expr a, Expr b, Expr c) { return a * b + c; }))
      .vjp([](const Vjp& d) -> std::vector<Value> {
        return {d.needs(0) ? d.grad() * d.in(1) : Value(),
                d.needs(1) ? d.grad() * d.in(0) : Value(), d.grad()};
      });
}

}  // namespace

void add_arithmetic_ops(OpSet& set) {
  for (auto make : {negate_op, abs_op, sign_op, square_op, reciprocal_op, add_op, subtract_op,
                    multiply_op, divide_op, remainder_op, fused_multiply_add_op})
    set.add(make());
}

Value negate(Value x) {
  return emit_unary("negate", x);
}
Value abs(Value x) {
  return emit_unary("abs", x);
}
Value sign(Value x) {
  return emit_unary("sign", x);
}
Value square(Value x) {
  return emit_unary("square", x);
}
Value reciprocal(Value x) {
  return emit_unary("reciprocal", x);
}
Value add(Value a, Value b) {
  return emit_broadcasting("add", {a, b});
}
Value subtract(Value a, Value b) {
  return emit_broadcasting("subtract", {a, b});
}
Value multiply(Value a, Value b) {
  return emit_broadcasting("multiply", {a, b});
}
Value divide(Value a, Value b) {
  return emit_broadcasting("divide", {a, b});
}
Value remainder(Value a, Value b) {
  return emit_broadcasting("remainder", {a, b});
}
Value fused_multiply_add(Value a, Value b, Value c) {
  return emit_broadcasting("fused_multiply_add", {a, b, c});
}

Value operator+(Value a, Value b) {
  return add(a, b);
}
Value operator-(Value a, Value b) {
  return subtract(a, b);
}
Value operator*(Value a, Value b) {
  return multiply(a, b);
}
Value operator/(Value a, Value b) {
  return divide(a, b);
}
Value operator+(Value a, double b) {
  return add(a, constant_beside(a, b));
}
Value operator-(Value a, double b) {
  return subtract(a, constant_beside(a, b));
}
Value operator*(Value a, double b) {
  return multiply(a, constant_beside(a, b));
}
Value operator/(Value a, double b) {
  return divide(a, constant_beside(a, b));
}
Value operator+(double a, Value b) {
  return add(constant_beside(b, a), b);
}
Value operator-(double a, Value b) {
  return subtract(constant_beside(b, a), b);
}
Value operator*(double a, Value b) {
  return multiply(constant_beside(b, a), b);
}
Value operator/(double a, Value b) {
  return divide(constant_beside(b, a), b);
}
Value operator-(Value a) {
  return negate(a);
}

}  // namespace brisk
