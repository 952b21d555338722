#include "brisk/base/error.h"
#include "brisk/base/rounding.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/move/unpack_integers.h"
#include "brisk/ops/quantize/quantize_ops.h"
#include "brisk/ops/quantize/weight_only.h"

namespace brisk {
namespace {

std::vector<Type> infer_weight_only(const InferContext& context) {
  const TensorType &lhs = context.tensor(0), &rhs = context.tensor(1), &scale = context.tensor(2);
  const int64_t block_size = context.as<WeightOnlyAttributes>().block_size;
  require((lhs.dtype == DType::f32 || lhs.dtype == DType::bf16) &&
              (rhs.dtype == DType::i8 || rhs.dtype == DType::i4),
          "[weight_only_dot] multiplies f32 or bf16 with i8 or i4, not {} with {}", name(lhs.dtype),
          name(rhs.dtype));
  require(lhs.shape.rank() >= 2 && rhs.shape.rank() == 2 &&
              lhs.shape[lhs.shape.rank() - 1] == rhs.shape[0],
          "[weight_only_dot] multiplies [..., m, k] with [k, n], not {} with {}",
          lhs.shape.to_string(), rhs.shape.to_string());
  require(block_size >= 0, "[weight_only_dot] a block has {} rows", block_size);
  Shape wanted{rhs.shape[1]};
  if (block_size > 0) {
    require(!rhs.shape[0].is_named(), "[weight_only_dot] blocks need a size of k, not {}",
            rhs.shape[0].name());
    wanted = {Extent(ceil_div(rhs.shape[0].size(), block_size)), rhs.shape[1]};
  }
  require((scale.dtype == DType::f32 || scale.dtype == DType::bf16) && scale.shape == wanted,
          "[weight_only_dot] the scale must be f32 or bf16 of {}, but is {}", wanted.to_string(),
          context.operands[2].to_string());
  Shape result = lhs.shape;
  result[lhs.shape.rank() - 1] = rhs.shape[1];
  return {Type(DType::f32, result)};
}

/// A scale [ceil(k / block), n] at every row: [k, n].
Value at_every_row(Value scale, int64_t block, const Shape& weights) {
  const Extent blocks = scale.shape()[0], columns = weights[1];
  if (weights[0].size() == 0) return reshape(scale, weights);
  const Value repeated = broadcast(scale, {blocks, Extent(block), columns}, {0, 2});
  return slice_axis(reshape(repeated, {Extent(blocks.size() * block), columns}), 0, 0,
                    weights[0].size());
}

std::vector<Value> decompose_weight_only(const DecomposeContext& context) {
  const int64_t block_size = context.as<WeightOnlyAttributes>().block_size;
  const Value lhs = cast(context.in(0), DType::f32), stored = context.in(1),
              scale = cast(context.in(2), DType::f32);
  const Value integers =
      cast(stored.dtype() == DType::i4 ? unpack_integers(stored) : stored, DType::f32);
  if (block_size == 0) return {matmul(lhs, integers) * scale};
  return {matmul(lhs, integers * at_every_row(scale, block_size, stored.shape()))};
}

}  // namespace

Op weight_only_dot_op() {
  return Op{.name = "weight_only_dot", .kind = OpKind::composite}
      .doc(
          "lhs x (rhs * scale) in f32, of matrices [..., m, k] of f32 or bf16 and [k, n] of i8 or "
          "i4, and a scale for each column, or for each block of rows of each column.")
      .operands(3)
      .attributes<WeightOnlyAttributes>()
      .infer(infer_weight_only)
      .decompose(decompose_weight_only)
      .not_differentiable();
}

Value weight_only_dot(Value lhs, Value rhs, Value scale, WeightOnlyAttributes attributes) {
  return lhs.builder->emit_one("weight_only_dot", {lhs, rhs, scale}, attributes);
}

}  // namespace brisk
