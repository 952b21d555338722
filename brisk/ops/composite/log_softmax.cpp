#include "brisk/base/error.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/composite/composite_ops.h"
#include "brisk/ops/composite/shifted_exponentials.h"
#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const TensorType& x = context.tensor(0);
  const int64_t axis = context.as<AxisAttributes>().axis;
  require(is_floating(x.dtype), "[log_softmax] takes floating values, not {}", name(x.dtype));
  require(axis >= 0 && axis < x.shape.rank(), "[log_softmax] {} has no axis {}",
          x.shape.to_string(), axis);
  return {x};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto parts = shifted_exponentials(context.in(0), {context.as<AxisAttributes>().axis});
  return {cast(parts.shifted - log(parts.sum), context.in(0).dtype())};
}

std::vector<Value> vjp(const Vjp& d) {
  const DType wide = compute_type(d.in(0).dtype());
  const Value g = cast(d.grad(), wide);
  const Value sum = reduce_sum(g, {d.as<AxisAttributes>().axis}, true);
  return {cast(g - exp(cast(d.out(), wide)) * sum, d.in(0).dtype())};
}

}  // namespace

Op log_softmax_op() {
  return Op{.name = "log_softmax", .kind = OpKind::composite}
      .doc("x - log(sum(exp(x))) along an axis, computed from x - max(x).")
      .operands(1)
      .attributes<AxisAttributes>()
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose);
}

Value log_softmax(Value x, int64_t axis) {
  return x.builder->emit_one("log_softmax", {x},
                             AxisAttributes{normalize_axis(axis, x.rank(), "[log_softmax] axis")});
}

}  // namespace brisk
