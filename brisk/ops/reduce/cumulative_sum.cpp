#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/reduce/reduce_ops.h"

namespace brisk {
namespace {

/// Every element counts in the sums from its own place on: the gradient's running sum from the end.
std::vector<Value> vjp(const Vjp& d) {
  const int64_t axis = d.as<AxisAttributes>().axis;
  return {reverse(cumulative_sum(reverse(d.grad(), {axis}), axis), {axis})};
}

}  // namespace

Op cumulative_sum_op() {
  Op op = unary("cumulative_sum", kNumeric);
  const auto same_type = op.infer_rule;
  return std::move(op)
      .attributes<AxisAttributes>()
      .doc("The running sum along `axis`, each element included in its own.")
      .infer([same_type](const InferContext& context) {
        const int64_t axis = context.as<AxisAttributes>().axis;
        require(axis >= 0 && axis < context.tensor(0).shape.rank(),
                "[cumulative_sum] axis {} is out of range for {}", axis,
                context.operands[0].to_string());
        return same_type(context);
      })
      .vjp(vjp)
      // Neither elementwise nor a fold that drops its axis: a walk in order of position.
      .with([](Op& op) { op.kind = OpKind::index; });
}

Value cumulative_sum(Value x, int64_t axis) {
  require(x.defined(), "[cumulative_sum] its operand is not defined");
  return x.builder->emit_one("cumulative_sum", {x},
                             AxisAttributes{normalize_axis(axis, x.rank(), "cumulative_sum")});
}

}  // namespace brisk
