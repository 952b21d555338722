#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce_kind.h"
#include "brisk/ops/reduce/reduce_ops.h"

namespace brisk {
namespace {

bool counts_known(const Shape& shape, const ReduceAttributes& attributes) {
  for (const int64_t axis : attributes.axes)
    if (shape[axis].is_named()) return false;
  return true;
}

/// How many elements meet in each mean, inverted; 1/0 is infinite, so that the mean of nothing is
/// NaN. Refused while a reduced extent is only named.
double inverse_count(const Shape& shape, const ReduceAttributes& attributes) {
  double count = 1;
  for (const int64_t axis : attributes.axes) count *= static_cast<double>(shape.size(axis));
  return 1 / count;
}

/// The sum is taken in the compute type: in f16 it would overflow where the mean does not.
std::vector<Value> decompose(const DecomposeContext& context) {
  const Value& x = context.in(0);
  const auto& attributes = context.as<ReduceAttributes>();
  const DType type = compute_type(x.dtype());
  const Value sum = context.builder.emit_one("reduce_sum", {cast(x, type)}, attributes);
  return {cast(sum * inverse_count(x.shape(), attributes), x.dtype())};
}

std::vector<Value> vjp(const Vjp& d) {
  const Value& x = d.in(0);
  const auto& attributes = d.as<ReduceAttributes>();
  const DType type = compute_type(x.dtype());
  const Value g = cast(d.grad(), type);
  if (counts_known(x.shape(), attributes)) {
    const Value share = cast(g * inverse_count(x.shape(), attributes), x.dtype());
    return {spread(share, x.shape(), attributes)};
  }
  // A named extent is counted when the graph runs.
  const Value ones = broadcast_to(d.builder.scalar(type, 1), x.shape());
  const Value count = d.builder.emit_one("reduce_sum", {ones}, attributes);
  return {spread(cast(g / count, x.dtype()), x.shape(), attributes)};
}

}  // namespace

Op reduce_mean_op() {
  // It has no combiner of its own, so it is not of the reduce kind.
  return reduction("reduce_mean", kFloating)
      .with([](Op& op) { op.kind = OpKind::composite; })
      .doc("The arithmetic mean over axes; NaN where there is no element.")
      .decompose(decompose)
      .vjp(vjp);
}

Value reduce_mean(Value x, std::vector<int64_t> axes, bool keep_dims) {
  return emit_reduction("reduce_mean", x, std::move(axes), keep_dims);
}

}  // namespace brisk
