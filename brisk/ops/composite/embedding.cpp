#include "brisk/base/error.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/composite/composite_ops.h"
#include "brisk/ops/index/index.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const TensorType& table = context.tensor(0);
  const TensorType& indices = context.tensor(1);
  require(table.shape.rank() == 2, "[embedding] the table must be [vocabulary, dim], but is {}",
          context.operands[0].to_string());
  require(indices.dtype == DType::i32 || indices.dtype == DType::i64,
          "[embedding] indices must be i32 or i64, but are {}", context.operands[1].to_string());
  Shape shape = indices.shape;
  shape.push_back(table.shape[1]);
  return {Type(table.dtype, std::move(shape))};
}

// No gradient rule: that of gather, which adds rows up, is the best one.
std::vector<Value> decompose(const DecomposeContext& context) {
  return {gather(context.in(0), context.in(1), 0)};
}

}  // namespace

Op embedding_op() {
  return Op{.name = "embedding", .kind = OpKind::composite}
      .doc("Rows of a table [vocabulary, dim] at indices; the result is [indices..., dim].")
      .operands(2)
      .infer(infer)
      .decompose(decompose);
}

Value embedding(Value table, Value indices) {
  return table.builder->emit_one("embedding", {table, indices});
}

}  // namespace brisk
