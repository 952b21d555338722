#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/index/index_kind.h"
#include "brisk/ops/index/index_ops.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

namespace brisk {
namespace {

Shape hot_shape(const Shape& indices, int64_t depth) {
  Shape shape = indices;
  shape.push_back(Extent(depth));
  return shape;
}

/// Each index compared with its column's number.
std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<OneHotAttributes>();
  const Value& indices = context.in(0);
  const Shape shape = hot_shape(indices.shape(), attributes.depth);
  const Value wanted = broadcast_to(expand_dims(indices, -1), shape);
  const Value column = iota(context.builder, indices.dtype(), shape, indices.rank());
  return {cast(equal(wanted, column), attributes.dtype)};
}

}  // namespace

Op one_hot_op() {
  Op op;
  op.name = "one_hot";
  op.kind = OpKind::composite;
  return std::move(op)
      .operands(1)
      .attributes<OneHotAttributes>()
      .doc(
          "A new last axis of extent `depth`: 1 at the index, else 0; an index out of range gives "
          "zeros.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<OneHotAttributes>();
        check_indices(context, 0);
        require(attributes.depth >= 0, "[one_hot] depth {} is negative", attributes.depth);
        return {Type(attributes.dtype, hot_shape(context.tensor(0).shape, attributes.depth))};
      })
      .decompose(decompose)
      .not_differentiable();
}

Value one_hot(Value indices, int64_t depth, DType dtype) {
  require(indices.defined(), "[one_hot] its operand is not defined");
  return indices.builder->emit_one("one_hot", {indices}, OneHotAttributes{depth, dtype});
}

}  // namespace brisk
