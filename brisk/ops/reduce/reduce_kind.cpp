#include "brisk/ops/reduce/reduce_kind.h"

#include <algorithm>

#include "brisk/ops/move/move.h"
#include "brisk/ops/move/move_kind.h"

namespace brisk {
namespace {

bool is_reduced(const ReduceAttributes& attributes, int64_t axis) {
  return std::binary_search(attributes.axes.begin(), attributes.axes.end(), axis);
}

}  // namespace

Shape reduced_shape(const Shape& shape, const ReduceAttributes& attributes) {
  Shape result;
  for (int64_t axis = 0; axis < shape.rank(); ++axis) {
    if (!is_reduced(attributes, axis))
      result.push_back(shape[axis]);
    else if (attributes.keep_dims)
      result.push_back(Extent(1));
  }
  return result;
}

Op reduction(std::string name, ElementTypes types) {
  Op op;
  op.name = std::move(name);
  op.kind = OpKind::reduce;
  return std::move(op).operands(1).attributes<ReduceAttributes>().infer(
      [types](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<ReduceAttributes>();
        check_elements(context, 0, types);
        const TensorType& x = context.tensor(0);
        check_ascending_axes(context, attributes.axes, x.shape.rank());
        return {Type(x.dtype, reduced_shape(x.shape, attributes))};
      });
}

Value spread(Value reduced, const Shape& shape, const ReduceAttributes& attributes) {
  if (reduced.shape() == shape) return reduced;
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < shape.rank(); ++axis)
    if (attributes.keep_dims || !is_reduced(attributes, axis)) axes.push_back(axis);
  return broadcast(reduced, shape, std::move(axes));
}

Value emit_reduction(std::string_view op, Value x, std::vector<int64_t> axes, bool keep_dims) {
  require(x.defined(), "[{}] its operand is not defined", op);
  if (axes.empty())
    for (int64_t axis = 0; axis < x.rank(); ++axis) axes.push_back(axis);
  for (int64_t& axis : axes) axis = normalize_axis(axis, x.rank(), op);
  std::sort(axes.begin(), axes.end());
  return x.builder->emit_one(op, {x}, ReduceAttributes{std::move(axes), keep_dims});
}

}  // namespace brisk
