#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/index/index_kind.h"
#include "brisk/ops/index/index_ops.h"

// take_along_axis and put_along_axis_add: single elements along one axis, a position for each.

namespace brisk {
namespace {

void check_positions(const InferContext& context) {
  const int64_t axis = checked_axis(context);
  check_indices(context, 1);
  const Shape &x = context.tensor(0).shape, &indices = context.tensor(1).shape;
  bool fits = x.rank() == indices.rank();
  for (int64_t other = 0; fits && other < x.rank(); ++other)
    fits = other == axis || x[other] == indices[other];
  require(fits, "[{}] indices {} do not fit {} beside axis {}", context.op.name,
          context.operands[1].to_string(), context.operands[0].to_string(), axis);
}

std::vector<Type> infer_take(const InferContext& context) {
  check_elements(context, 0, kAnyElements);
  check_positions(context);
  const TensorType& x = context.tensor(0);
  require(x.shape[context.as<AxisAttributes>().axis] != Extent(0),
          "[take_along_axis] axis {} of {} is empty", context.as<AxisAttributes>().axis,
          context.operands[0].to_string());
  return {Type(x.dtype, context.tensor(1).shape)};
}

std::vector<Type> infer_put(const InferContext& context) {
  check_elements(context, 0, kNumeric);
  check_positions(context);
  const Type expected(context.tensor(0).dtype, context.tensor(1).shape);
  require(context.operands[2] == expected,
          "[put_along_axis_add] the updates are {}, but {} at indices {} takes {}",
          context.operands[2].to_string(), context.operands[0].to_string(),
          context.operands[1].to_string(), expected.to_string());
  return {context.operands[0]};
}

std::vector<Value> vjp_take(const Vjp& d) {
  const int64_t axis = d.as<AxisAttributes>().axis;
  const Value& x = d.in(0);
  const Value indices = clamp_indices(d.in(1), x.shape()[axis]);
  return {put_along_axis_add(zeros(d.builder, x.type()), indices, d.grad(), axis), Value()};
}

std::vector<Value> vjp_put(const Vjp& d) {
  const int64_t axis = d.as<AxisAttributes>().axis;
  const Value& indices = d.in(1);
  Value to_updates;
  if (d.needs(2))
    to_updates = zero_unless(in_range(indices, d.in(0).shape()[axis]),
                             take_along_axis(d.grad(), indices, axis));
  return {d.grad(), Value(), to_updates};
}

}  // namespace

Op take_along_axis_op() {
  return indexed("take_along_axis", 2)
      .doc(
          "Along `axis`, for each place of the second operand the element of the first at the "
          "position that it names, clamped into range.")
      .infer(infer_take)
      .vjp(vjp_take);
}

Op put_along_axis_add_op() {
  return indexed("put_along_axis_add", 3)
      .doc(
          "The first operand with each element of the third added along `axis` at the position "
          "that the second names for it; positions out of range are dropped.")
      .infer(infer_put)
      .vjp(vjp_put);
}

Value take_along_axis(Value x, Value indices, int64_t axis) {
  require(x.defined(), "[take_along_axis] its operand is not defined");
  return x.builder->emit_one("take_along_axis", {x, indices},
                             AxisAttributes{normalize_axis(axis, x.rank(), "take_along_axis")});
}

Value put_along_axis_add(Value x, Value indices, Value updates, int64_t axis) {
  require(x.defined(), "[put_along_axis_add] its operand is not defined");
  return x.builder->emit_one("put_along_axis_add", {x, indices, updates},
                             AxisAttributes{normalize_axis(axis, x.rank(), "put_along_axis_add")});
}

}  // namespace brisk
