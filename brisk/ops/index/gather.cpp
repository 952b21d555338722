#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/index/index_kind.h"
#include "brisk/ops/index/index_ops.h"
#include "brisk/ops/move/move.h"

// gather and scatter_add: whole slices along one axis.

namespace brisk {
namespace {

/// `x` with `axis` replaced by the axes of `indices`.
Shape gathered_shape(const Shape& x, const Shape& indices, int64_t axis) {
  std::vector<Extent> extents(x.begin(), x.begin() + axis);
  extents.insert(extents.end(), indices.begin(), indices.end());
  extents.insert(extents.end(), x.begin() + axis + 1, x.end());
  return Shape(std::move(extents));
}

std::vector<Type> infer_gather(const InferContext& context) {
  const int64_t axis = checked_axis(context);
  check_elements(context, 0, kAnyElements);
  check_indices(context, 1);
  const TensorType& x = context.tensor(0);
  require(x.shape[axis] != Extent(0), "[gather] axis {} of {} is empty", axis,
          context.operands[0].to_string());
  return {Type(x.dtype, gathered_shape(x.shape, context.tensor(1).shape, axis))};
}

std::vector<Type> infer_scatter(const InferContext& context) {
  const int64_t axis = checked_axis(context);
  check_elements(context, 0, kNumeric);
  check_indices(context, 1);
  const TensorType& x = context.tensor(0);
  const Type expected(x.dtype, gathered_shape(x.shape, context.tensor(1).shape, axis));
  require(context.operands[2] == expected,
          "[scatter_add] the updates are {}, but {} at indices {} along axis {} takes {}",
          context.operands[2].to_string(), context.operands[0].to_string(),
          context.operands[1].to_string(), axis, expected.to_string());
  return {context.operands[0]};
}

std::vector<Value> vjp_gather(const Vjp& d) {
  const int64_t axis = d.as<AxisAttributes>().axis;
  const Value& x = d.in(0);
  const Value indices = clamp_indices(d.in(1), x.shape()[axis]);
  return {scatter_add(zeros(d.builder, x.type()), indices, d.grad(), axis), Value()};
}

std::vector<Value> vjp_scatter(const Vjp& d) {
  const int64_t axis = d.as<AxisAttributes>().axis;
  const Value &indices = d.in(1), &updates = d.in(2);
  Value to_updates;
  if (d.needs(2)) {
    std::vector<int64_t> axes;
    for (int64_t i = 0; i < indices.rank(); ++i) axes.push_back(axis + i);
    const Value written =
        broadcast(in_range(indices, d.in(0).shape()[axis]), updates.shape(), axes);
    to_updates = zero_unless(written, gather(d.grad(), indices, axis));
  }
  return {d.grad(), Value(), to_updates};
}

}  // namespace

Op gather_op() {
  return indexed("gather", 2)
      .doc(
          "Slices of the first operand along `axis` at the positions of the second, which are "
          "clamped into range.")
      .infer(infer_gather)
      .vjp(vjp_gather);
}

Op scatter_add_op() {
  return indexed("scatter_add", 3)
      .doc(
          "The first operand with slices of the third added along `axis` at the positions of the "
          "second; positions out of range are dropped.")
      .infer(infer_scatter)
      .vjp(vjp_scatter);
}

Value gather(Value x, Value indices, int64_t axis) {
  require(x.defined(), "[gather] its operand is not defined");
  return x.builder->emit_one("gather", {x, indices},
                             AxisAttributes{normalize_axis(axis, x.rank(), "gather")});
}

Value scatter_add(Value x, Value indices, Value updates, int64_t axis) {
  require(x.defined(), "[scatter_add] its operand is not defined");
  return x.builder->emit_one("scatter_add", {x, indices, updates},
                             AxisAttributes{normalize_axis(axis, x.rank(), "scatter_add")});
}

}  // namespace brisk
