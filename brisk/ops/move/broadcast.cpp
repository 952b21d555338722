#include "brisk/base/error.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/move/move_kind.h"
#include "brisk/ops/move/move_ops.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

/// Whether operand axis i is repeated: extent 1 where the result has another.
bool repeats(const Shape& operand, const BroadcastAttributes& to, size_t i) {
  const auto axis = static_cast<int64_t>(i);
  return operand[axis] == Extent(1) && to.shape[to.axes[i]] != Extent(1);
}

std::vector<Type> infer(const InferContext& context) {
  const auto& to = context.as<BroadcastAttributes>();
  const Shape& operand = context.tensor(0).shape;
  check_count(context, to.axes.size(), "axes");
  check_ascending_axes(context, to.axes, to.shape.rank());
  for (const Extent& extent : to.shape)
    require(extent.is_named() || extent.size() >= 0, "[broadcast] shape {} has a negative extent",
            to.shape.to_string());
  for (size_t i = 0; i < to.axes.size(); ++i)
    require(operand[static_cast<int64_t>(i)] == to.shape[to.axes[i]] || repeats(operand, to, i),
            "[broadcast] axis {} of {} does not fit axis {} of the result {}", i,
            context.operands[0].to_string(), to.axes[i], to.shape.to_string());
  return {moved(context, to.shape)};
}

std::optional<IndexMap> index_map(const InferContext& context, const Type& result) {
  const auto& to = context.as<BroadcastAttributes>();
  const Shape& operand = context.tensor(0).shape;
  IndexMap map = empty_map(operand.rank(), result.rank());
  for (size_t i = 0; i < to.axes.size(); ++i)
    if (!repeats(operand, to, i)) map.stride[i][static_cast<size_t>(to.axes[i])] = 1;
  return map;
}

/// Repeating is undone by summing over the repeats.
std::vector<Value> vjp(const Vjp& d) {
  const auto& to = d.as<BroadcastAttributes>();
  const Shape& operand = d.in(0).shape();
  std::vector<bool> kept(static_cast<size_t>(to.shape.rank()), false);
  for (size_t i = 0; i < to.axes.size(); ++i)
    if (!repeats(operand, to, i)) kept[static_cast<size_t>(to.axes[i])] = true;
  std::vector<int64_t> summed;
  for (size_t axis = 0; axis < kept.size(); ++axis)
    if (!kept[axis]) summed.push_back(static_cast<int64_t>(axis));
  const Value sum = summed.empty() ? d.grad() : reduce_sum(d.grad(), summed);
  return {reshape(sum, operand)};
}

}  // namespace

Op broadcast_op() {
  return move("broadcast")
      .attributes<BroadcastAttributes>()
      .doc(
          "The operand repeated: its axis i becomes axis axes[i] of `shape`, repeated where its "
          "extent is 1; other axes are new.")
      .infer(infer)
      .index_map(index_map)
      .vjp(vjp);
}

Value broadcast(Value x, Shape shape, std::vector<int64_t> axes) {
  require(x.defined(), "[broadcast] its operand is not defined");
  return x.builder->emit_one("broadcast", {x},
                             BroadcastAttributes{std::move(shape), std::move(axes)});
}

Value broadcast_to(Value x, const Shape& shape) {
  require(x.defined(), "[broadcast] its operand is not defined");
  if (x.shape() == shape) return x;
  const int64_t added = shape.rank() - x.rank();
  require(added >= 0, "[broadcast] {} has more axes than {}", x.type().to_string(),
          shape.to_string());
  std::vector<int64_t> axes;
  for (int64_t axis = added; axis < shape.rank(); ++axis) axes.push_back(axis);
  return broadcast(x, shape, std::move(axes));
}

}  // namespace brisk
