#include "brisk/base/checked.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/move/move_kind.h"
#include "brisk/ops/move/move_ops.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const TensorType& first = context.tensor(0);
  const int64_t axis = context.as<AxisAttributes>().axis;
  require(axis >= 0 && axis < first.shape.rank(), "[concatenate] axis {} is out of range for {}",
          axis, context.operands[0].to_string());
  Shape shape = first.shape;
  int64_t total = 0;
  for (size_t i = 0; i < context.operands.size(); ++i) {
    const TensorType& part = context.tensor(i);
    bool fits = part.dtype == first.dtype && part.quantization == first.quantization &&
                part.shape.rank() == first.shape.rank();
    for (int64_t other = 0; fits && other < shape.rank(); ++other)
      fits = other == axis || part.shape[other] == first.shape[other];
    require(fits, "[concatenate] operand {} is {}, which does not continue {} along axis {}", i,
            context.operands[i].to_string(), context.operands[0].to_string(), axis);
    const Extent& extent = part.shape[axis];
    require(!extent.is_named(),
            "[concatenate] axis {} of operand {} ({}) has no size yet; bind '{}' "
            "first",
            axis, i, context.operands[i].to_string(), extent.name());
    total = checked_add(total, extent.size(), "[concatenate]");
  }
  shape[axis] = Extent(total);
  return {moved(context, std::move(shape))};
}

std::vector<Value> vjp(const Vjp& d) {
  const int64_t axis = d.as<AxisAttributes>().axis;
  std::vector<Value> gradients;
  int64_t start = 0;
  for (size_t i = 0; i < d.operands.size(); ++i) {
    const int64_t limit = start + d.in(i).shape().size(axis);
    gradients.push_back(d.needs(i) ? slice_axis(d.grad(), axis, start, limit) : Value());
    start = limit;
  }
  return gradients;
}

}  // namespace

Op concatenate_op() {
  return move("concatenate")
      .operands(1, -1)
      .attributes<AxisAttributes>()
      .doc("The operands one after another along `axis`; all other extents are equal.")
      .infer(infer)
      .vjp(vjp);
}

Value concatenate(std::span<const Value> parts, int64_t axis) {
  require(!parts.empty(), "[concatenate] there are no parts");
  require(parts[0].defined(), "[concatenate] operand 0 is not defined");
  axis = normalize_axis(axis, parts[0].rank(), "concatenate");
  if (parts.size() == 1) return parts[0];
  return parts[0].builder->emit_one("concatenate", parts, AxisAttributes{axis});
}

}  // namespace brisk
