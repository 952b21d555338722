#include "brisk/ops/move/move_kind.h"

#include "brisk/base/error.h"

namespace brisk {

Op move(std::string name) {
  Op op;
  op.name = std::move(name);
  op.kind = OpKind::move;
  return std::move(op).operands(1);
}

Type moved(const InferContext& context, Shape shape) {
  TensorType type = context.tensor(0);
  require(!type.quantization || type.quantization->axis < 0,
          "[{}] the operand is quantized per axis ({}), which does not survive the move",
          context.op.name, context.operands[0].to_string());
  type.shape = std::move(shape);
  return type;
}

void check_count(const InferContext& context, size_t given, std::string_view what) {
  require(static_cast<int64_t>(given) == context.tensor(0).shape.rank(),
          "[{}] {} {} are given for the {} axes of {}", context.op.name, given, what,
          context.tensor(0).shape.rank(), context.operands[0].to_string());
}

void check_ascending_axes(const InferContext& context, const std::vector<int64_t>& axes,
                          int64_t rank) {
  for (size_t i = 0; i < axes.size(); ++i) {
    require(axes[i] >= 0 && axes[i] < rank, "[{}] axis {} is out of range for rank {}",
            context.op.name, axes[i], rank);
    require(i == 0 || axes[i] > axes[i - 1], "[{}] axes [{}] are not strictly ascending",
            context.op.name, fmt::join(axes, ", "));
  }
}

IndexMap empty_map(int64_t operand_rank, int64_t result_rank) {
  const auto rows = static_cast<size_t>(operand_rank);
  return {std::vector<int64_t>(rows, 0),
          std::vector<std::vector<int64_t>>(
              rows, std::vector<int64_t>(static_cast<size_t>(result_rank), 0))};
}

}  // namespace brisk
