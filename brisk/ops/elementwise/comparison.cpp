#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/elementwise/elementwise_ops.h"

namespace brisk {
namespace {

Op equal_op() {
  return comparison("equal", kAnyElements)
      .doc("Whether two elements are equal; false with NaN.")
      .expr(on_scalars([](Expr a, Expr b) { return equal(a, b); }))
      .with([](Op& op) { op.commutative = true; });
}

Op not_equal_op() {
  return comparison("not_equal", kAnyElements)
      .doc("Whether two elements differ; true with NaN.")
      .expr(on_scalars([](Expr a, Expr b) { return not_equal(a, b); }))
      .with([](Op& op) { op.commutative = true; });
}

Op less_op() {
  return comparison("less", kAnyElements)
      .doc("Whether the first element is less than the second; false with NaN.")
      .expr(on_scalars([](Expr a, Expr b) { return less(a, b); }));
}

Op less_equal_op() {
  return comparison("less_equal", kAnyElements)
      .doc("Whether the first element is at most the second; false with NaN.")
      .expr(on_scalars([](Expr a, Expr b) { return less_equal(a, b); }));
}

Op greater_op() {
  return comparison("greater", kAnyElements)
      .doc("Whether the first element is greater than the second; false with NaN.")
      .expr(on_scalars([](Expr a, Expr b) { return greater(a, b); }));
}

Op greater_equal_op() {
  return comparison("greater_equal", kAnyElements)
      .doc("Whether the first element is at least the second; false with NaN.")
      .expr(on_scalars([](Expr a, Expr b) { return greater_equal(a, b); }));
}

Op is_finite_op() {
  Op op = comparison("is_finite", kFloating);
  return std::move(op)
      .operands(1)
      .doc("Whether each element is neither infinite nor NaN.")
      .expr(on_scalars([](Expr x) { return is_finite(x); }));
}

}  // namespace

void add_comparison_ops(OpSet& set) {
  for (auto make :
       {equal_op, not_equal_op, less_op, less_equal_op, greater_op, greater_equal_op, is_finite_op})
    set.add(make());
}

Value equal(Value a, Value b) {
  return emit_broadcasting("equal", {a, b});
}
Value not_equal(Value a, Value b) {
  return emit_broadcasting("not_equal", {a, b});
}
Value less(Value a, Value b) {
  return emit_broadcasting("less", {a, b});
}
Value less_equal(Value a, Value b) {
  return emit_broadcasting("less_equal", {a, b});
}
Value greater(Value a, Value b) {
  return emit_broadcasting("greater", {a, b});
}
Value greater_equal(Value a, Value b) {
  return emit_broadcasting("greater_equal", {a, b});
}
Value is_finite(Value x) {
  return emit_unary("is_finite", x);
}

}  // namespace brisk
