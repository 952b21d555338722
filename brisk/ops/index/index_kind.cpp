#include "brisk/ops/index/index_kind.h"

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"

namespace brisk {

Op indexed(std::string name, int num_operands) {
  Op op;
  op.name = std::move(name);
  op.kind = OpKind::index;
  return std::move(op).operands(num_operands).attributes<AxisAttributes>();
}

int64_t checked_axis(const InferContext& context) {
  const int64_t axis = context.as<AxisAttributes>().axis;
  require(axis >= 0 && axis < context.tensor(0).shape.rank(), "[{}] axis {} is out of range for {}",
          context.op.name, axis, context.operands[0].to_string());
  return axis;
}

void check_indices(const InferContext& context, size_t operand) {
  const DType type = context.tensor(operand).dtype;
  require(type == DType::i32 || type == DType::i64,
          "[{}] the indices are {}, but i32 or i64 is needed", context.op.name,
          context.operands[operand].to_string());
}

Value clamp_indices(Value indices, const Extent& extent) {
  return clamp(indices, 0, static_cast<double>(extent.size() - 1));
}

Value in_range(Value indices, const Extent& extent) {
  const auto limit = static_cast<double>(extent.size());
  return logical_and(greater_equal(indices, constant_beside(indices, 0)),
                     less(indices, constant_beside(indices, limit)));
}

}  // namespace brisk
