#include "brisk/base/error.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/move/move_kind.h"
#include "brisk/ops/move/move_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const auto& permutation = context.as<TransposeAttributes>().permutation;
  const Shape& operand = context.tensor(0).shape;
  check_count(context, permutation.size(), "axes");
  std::vector<bool> seen(permutation.size(), false);
  Shape shape;
  for (const int64_t axis : permutation) {
    require(axis >= 0 && axis < operand.rank() && !seen[static_cast<size_t>(axis)],
            "[transpose] [{}] is not a permutation of the axes of {}", fmt::join(permutation, ", "),
            context.operands[0].to_string());
    seen[static_cast<size_t>(axis)] = true;
    shape.push_back(operand[axis]);
  }
  return {moved(context, std::move(shape))};
}

std::optional<IndexMap> index_map(const InferContext& context, const Type& result) {
  const auto& permutation = context.as<TransposeAttributes>().permutation;
  IndexMap map = empty_map(result.rank(), result.rank());
  for (size_t i = 0; i < permutation.size(); ++i)
    map.stride[static_cast<size_t>(permutation[i])][i] = 1;
  return map;
}

std::vector<Value> vjp(const Vjp& d) {
  const auto& permutation = d.as<TransposeAttributes>().permutation;
  std::vector<int64_t> inverse(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i)
    inverse[static_cast<size_t>(permutation[i])] = static_cast<int64_t>(i);
  return {transpose(d.grad(), std::move(inverse))};
}

}  // namespace

Op transpose_op() {
  return move("transpose")
      .attributes<TransposeAttributes>()
      .doc(
          "The operand with its axes in another order: result axis i is operand axis "
          "permutation[i].")
      .infer(infer)
      .index_map(index_map)
      .vjp(vjp);
}

Value transpose(Value x, std::vector<int64_t> permutation) {
  require(x.defined(), "[transpose] its operand is not defined");
  bool identity = static_cast<int64_t>(permutation.size()) == x.rank();
  for (size_t i = 0; i < permutation.size(); ++i)
    identity &= permutation[i] == static_cast<int64_t>(i);
  if (identity) return x;
  return x.builder->emit_one("transpose", {x}, TransposeAttributes{std::move(permutation)});
}

}  // namespace brisk
