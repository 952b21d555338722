#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/elementwise/elementwise_ops.h"

namespace brisk {
namespace {

/// The gradient towards the operand that `wins` compares as the winner: all of it where it wins,
/// half of it at a tie.
Value winner_share(const Vjp& d, Value wins) {
  const Value half = 0.5 * d.grad();
  return select(wins, d.grad(), zero_unless(equal(d.in(0), d.in(1)), half));
}

Op maximum_op() {
  return binary("maximum", kNumeric)
      .doc("The greater of two elements; NaN if either is; a tie sends half the gradient to each.")
      .expr(on_scalars([](Expr a, Expr b) { return maximum(a, b); }))
      .vjp([](const Vjp& d) -> std::vector<Value> {
        return {d.needs(0) ? winner_share(d, greater(d.in(0), d.in(1))) : Value(),
                d.needs(1) ? winner_share(d, less(d.in(0), d.in(1))) : Value()};
      })
      .not_smooth()
      .with([](Op& op) { op.commutative = true; });
}

Op minimum_op() {
  return binary("minimum", kNumeric)
      .doc("The lesser of two elements; NaN if either is; a tie sends half the gradient to each.")
      .expr(on_scalars([](Expr a, Expr b) { return minimum(a, b); }))
      .vjp([](const Vjp& d) -> std::vector<Value> {
        return {d.needs(0) ? winner_share(d, less(d.in(0), d.in(1))) : Value(),
                d.needs(1) ? winner_share(d, greater(d.in(0), d.in(1))) : Value()};
      })
      .not_smooth()
      .with([](Op& op) { op.commutative = true; });
}

Op select_op() {
  Op op;
  op.name = "select";
  op.kind = OpKind::elementwise;
  return std::move(op)
      .operands(3)
      .doc("The second element where the first (bool) is true, else the third.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        check_elements(context, 0, kBoolean);
        check_elements(context, 1, kAnyElements);
        check_elements(context, 2, kAnyElements);
        check_equal_types(context, 1, 2);
        check_equal_shapes(context, 0, 1);
        return {context.operands[1]};
      })
      .expr(on_scalars([](Expr condition, Expr a, Expr b) { return select(condition, a, b); }))
      .vjp([](const Vjp& d) -> std::vector<Value> {
        const Value zero = constant_beside(d.grad(), 0);
        return {Value(), d.needs(1) ? select(d.in(0), d.grad(), zero) : Value(),
                d.needs(2) ? select(d.in(0), zero, d.grad()) : Value()};
      });
}

Op clamp_op() {
  Op op = unary("clamp", kNumeric);
  const auto same_type = op.infer_rule;
  return std::move(op)
      .attributes<ClampAttributes>()
      .doc(
          "Each element moved into [low, high]; NaN stays. The gradient passes inside and at the "
          "ends.")
      .infer([same_type](const InferContext& context) {
        const auto& range = context.as<ClampAttributes>();
        require(range.low <= range.high, "[clamp] low {} is above high {}", range.low, range.high);
        return same_type(context);
      })
      .expr([](const ExprContext& context) {
        const auto& range = context.as<ClampAttributes>();
        return minimum(maximum(context.in(0), range.low), range.high);
      })
      .vjp(derivative([](const Vjp& d, Value g) {
        const auto& range = d.as<ClampAttributes>();
        const Value& x = d.in(0);
        const Value inside = logical_and(greater_equal(x, x.builder->scalar(x.dtype(), range.low)),
                                         less_equal(x, x.builder->scalar(x.dtype(), range.high)));
        return zero_unless(inside, g);
      }))
      .not_smooth();
}

}  // namespace

void add_selection_ops(OpSet& set) {
  for (auto make : {maximum_op, minimum_op, select_op, clamp_op}) set.add(make());
}

Value maximum(Value a, Value b) {
  return emit_broadcasting("maximum", {a, b});
}
Value minimum(Value a, Value b) {
  return emit_broadcasting("minimum", {a, b});
}
Value select(Value condition, Value a, Value b) {
  return emit_broadcasting("select", {condition, a, b});
}
Value clamp(Value x, double low, double high) {
  return emit_unary("clamp", x, ClampAttributes{low, high});
}

}  // namespace brisk
