#include <algorithm>

#include "brisk/base/error.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/composite/composite_ops.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const TensorType& x = context.tensor(0);
  const auto& [axes, keep_dims] = context.as<ReduceAttributes>();
  require(is_floating(x.dtype), "[log_sum_exp] takes floating values, not {}", name(x.dtype));
  require(!axes.empty(), "[log_sum_exp] needs an axis");
  for (size_t i = 0; i < axes.size(); ++i)
    require(axes[i] > (i == 0 ? -1 : axes[i - 1]) && axes[i] < x.shape.rank(),
            "[log_sum_exp] axes [{}] are not ascending axes of {}", fmt::join(axes, ", "),
            x.shape.to_string());
  Shape shape;
  for (int64_t axis = 0; axis < x.shape.rank(); ++axis) {
    const bool reduced = std::ranges::find(axes, axis) != axes.end();
    if (!reduced)
      shape.push_back(x.shape[axis]);
    else if (keep_dims)
      shape.push_back(1);
  }
  return {Type(x.dtype, std::move(shape))};
}

/// The result's shape with the reduced axes as extents of 1.
Value with_dims(Value value, const Shape& x, const ReduceAttributes& attributes) {
  if (attributes.keep_dims) return value;
  Shape shape = x;
  for (const int64_t axis : attributes.axes) shape[axis] = 1;
  return reshape(value, shape);
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<ReduceAttributes>();
  const Value x = cast(context.in(0), compute_type(context.in(0).dtype()));
  // An infinite maximum is left out: x - max would be NaN where all of x is -inf, or some +inf.
  const Value max = reduce_max(stop_gradient(x), attributes.axes, true);
  const Value shift = select(is_finite(max), max, context.builder.scalar(x.dtype(), 0));
  const Value result = log(reduce_sum(exp(x - shift), attributes.axes, true)) + shift;
  return {cast(attributes.keep_dims ? result : reshape(result, context.results[0].shape()),
               context.in(0).dtype())};
}

std::vector<Value> vjp(const Vjp& d) {
  const auto& attributes = d.as<ReduceAttributes>();
  const Shape& shape = d.in(0).shape();
  const DType wide = compute_type(d.in(0).dtype());
  const Value result = with_dims(cast(d.out(), wide), shape, attributes);
  const Value g = with_dims(cast(d.grad(), wide), shape, attributes);
  return {cast(exp(cast(d.in(0), wide) - result) * g, d.in(0).dtype())};
}

}  // namespace

Op log_sum_exp_op() {
  return Op{.name = "log_sum_exp", .kind = OpKind::composite}
      .doc("log(sum(exp(x))) over axes, computed from x - max(x); -inf where all of x is.")
      .operands(1)
      .attributes<ReduceAttributes>()
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose);
}

Value log_sum_exp(Value x, int64_t axis, bool keep_dims) {
  return x.builder->emit_one(
      "log_sum_exp", {x},
      ReduceAttributes{{normalize_axis(axis, x.rank(), "[log_sum_exp] axis")}, keep_dims});
}

}  // namespace brisk
