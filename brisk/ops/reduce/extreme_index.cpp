#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/reduce/reduce_ops.h"

namespace brisk {
namespace {

/// Of the index kind: they have no combiner of scalars, and what they give is positions.
Op extreme_index(std::string name, std::string doc) {
  Op op;
  op.name = std::move(name);
  op.kind = OpKind::index;
  return std::move(op)
      .operands(1)
      .attributes<AxisAttributes>()
      .doc(std::move(doc))
      .infer([](const InferContext& context) -> std::vector<Type> {
        check_elements(context, 0, kNumeric);
        const TensorType& x = context.tensor(0);
        const int64_t axis = context.as<AxisAttributes>().axis;
        require(axis >= 0 && axis < x.shape.rank(), "[{}] axis {} is out of range for {}",
                context.op.name, axis, context.operands[0].to_string());
        require(x.shape[axis] != Extent(0), "[{}] axis {} of {} is empty", context.op.name, axis,
                context.operands[0].to_string());
        std::vector<Extent> extents = x.shape.extents();
        extents.erase(extents.begin() + axis);
        return {Type(DType::i32, Shape(std::move(extents)))};
      })
      .not_differentiable();
}

Value emit_extreme_index(std::string_view op, Value x, int64_t axis) {
  require(x.defined(), "[{}] its operand is not defined", op);
  return x.builder->emit_one(op, {x}, AxisAttributes{normalize_axis(axis, x.rank(), op)});
}

}  // namespace

void add_extreme_ops(OpSet& set) {
  set.add(extreme_index("argmax",
                        "The index of the first greatest element along `axis`, which is "
                        "removed; NaN counts as the greatest."));
  set.add(extreme_index("argmin",
                        "The index of the first least element along `axis`, which is "
                        "removed; NaN counts as the least."));
}

Value argmax(Value x, int64_t axis) {
  return emit_extreme_index("argmax", x, axis);
}
Value argmin(Value x, int64_t axis) {
  return emit_extreme_index("argmin", x, axis);
}

}  // namespace brisk
