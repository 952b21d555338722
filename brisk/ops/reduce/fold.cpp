#include <limits>

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce_kind.h"
#include "brisk/ops/reduce/reduce_ops.h"

namespace brisk {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Op fold(std::string name, ElementTypes types, ScalarOp combiner, double identity) {
  return reduction(std::move(name), types).with([&](Op& op) {
    op.combiner = combiner;
    op.identity = identity;
  });
}

Value spread_like_operand(const Vjp& d, Value reduced) {
  return spread(reduced, d.in(0).shape(), d.as<ReduceAttributes>());
}

/// The gradient goes to the extremes, in equal shares where several tie.
std::vector<Value> extreme_vjp(const Vjp& d) {
  const Value& x = d.in(0);
  const auto& attributes = d.as<ReduceAttributes>();
  // Counted in the compute type: a short float cannot hold every count.
  const DType type = compute_type(x.dtype());
  const Value winners = equal(x, spread_like_operand(d, d.out()));
  const Value count = d.builder.emit_one("reduce_sum", {cast(winners, type)}, attributes);
  const Value share = cast(cast(d.grad(), type) / count, x.dtype());
  return {zero_unless(winners, spread_like_operand(d, share))};
}

/// Each element's gradient is the product of the others. With no zero among them that is
/// product / x; with one zero only that element has a gradient, with more none has. The form is
/// differentiable again where no element is 0.
std::vector<Value> product_vjp(const Vjp& d) {
  const Value& x = d.in(0);
  const auto& attributes = d.as<ReduceAttributes>();
  const Value zero = constant_beside(x, 0), one = constant_beside(x, 1);
  const Value is_zero = equal(x, zero);
  const Value proper = select(is_zero, one, x);
  const auto folded = [&](std::string_view op, Value value) {
    return d.builder.emit_one(op, {value}, attributes);
  };
  const Value some_zero = folded("reduce_any", is_zero);
  const Value zeros_left = folded("reduce_sum", cast(is_zero, DType::i32));
  const Value single_zero = equal(zeros_left, constant_beside(zeros_left, 1));
  const Value scaled = d.grad() * folded("reduce_prod", proper);
  const Value to_proper = spread_like_operand(d, select(some_zero, zero, scaled)) / proper;
  const Value to_zero = spread_like_operand(d, select(single_zero, scaled, zero));
  return {select(is_zero, to_zero, to_proper)};
}

Op reduce_sum_op() {
  return fold("reduce_sum", kNumeric, ScalarOp::add, 0)
      .doc("The sum over axes; integers wrap.")
      .vjp([](const Vjp& d) -> std::vector<Value> { return {spread_like_operand(d, d.grad())}; });
}

Op reduce_max_op() {
  return fold("reduce_max", kNumeric, ScalarOp::maximum, -kInfinity)
      .doc("The greatest element over axes; NaN if there is one; ties share the gradient.")
      .vjp(extreme_vjp)
      .not_smooth();
}

Op reduce_min_op() {
  return fold("reduce_min", kNumeric, ScalarOp::minimum, kInfinity)
      .doc("The least element over axes; NaN if there is one; ties share the gradient.")
      .vjp(extreme_vjp)
      .not_smooth();
}

Op reduce_prod_op() {
  return fold("reduce_prod", kNumeric, ScalarOp::multiply, 1)
      .doc("The product over axes; integers wrap.")
      .vjp(product_vjp);
}

Op reduce_any_op() {
  return fold("reduce_any", kBoolean, ScalarOp::bit_or, 0)
      .doc("Whether any element over axes is true.")
      .not_differentiable();
}

Op reduce_all_op() {
  return fold("reduce_all", kBoolean, ScalarOp::bit_and, 1)
      .doc("Whether all elements over axes are true.")
      .not_differentiable();
}

}  // namespace

void add_fold_ops(OpSet& set) {
  for (auto make :
       {reduce_sum_op, reduce_max_op, reduce_min_op, reduce_prod_op, reduce_any_op, reduce_all_op})
    set.add(make());
}

Value reduce_sum(Value x, std::vector<int64_t> axes, bool keep_dims) {
  return emit_reduction("reduce_sum", x, std::move(axes), keep_dims);
}
Value reduce_max(Value x, std::vector<int64_t> axes, bool keep_dims) {
  return emit_reduction("reduce_max", x, std::move(axes), keep_dims);
}
Value reduce_min(Value x, std::vector<int64_t> axes, bool keep_dims) {
  return emit_reduction("reduce_min", x, std::move(axes), keep_dims);
}
Value reduce_prod(Value x, std::vector<int64_t> axes, bool keep_dims) {
  return emit_reduction("reduce_prod", x, std::move(axes), keep_dims);
}
Value reduce_any(Value x, std::vector<int64_t> axes, bool keep_dims) {
  return emit_reduction("reduce_any", x, std::move(axes), keep_dims);
}
Value reduce_all(Value x, std::vector<int64_t> axes, bool keep_dims) {
  return emit_reduction("reduce_all", x, std::move(axes), keep_dims);
}

}  // namespace brisk
