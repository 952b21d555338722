#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/fused_ops.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

/// [rows, channels].
Value as_rows(Value x) {
  const int64_t channels = x.shape().sizes().back();
  return reshape(x, Shape{x.shape().num_elements() / channels, channels});
}

std::vector<Type> infer(const InferContext& context) {
  const Type& x = context.operands[0];
  require(is_floating(x.dtype()) && x.rank() >= 2,
          "[gram_matrix] x must be floating [..., channels], but is {}", x.to_string());
  const Extent channels = x.shape()[x.rank() - 1];
  return {Type(compute_type(x.dtype()), Shape{channels, channels})};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const Value& x = context.in(0);
  const Value rows = as_rows(cast(x, compute_type(x.dtype())));
  return {dot_general(rows, rows, {.lhs_contract = {0}, .rhs_contract = {0}})};
}

std::vector<Value> vjp(const Vjp& d) {
  const Value& x = d.in(0);
  const Value g = d.grad();
  const Value both = cast(g + transpose(g, {1, 0}), x.dtype());
  return {reshape(matmul(as_rows(x), both), x.shape())};
}

}  // namespace

Op gram_matrix_op() {
  return Op{.name = "gram_matrix", .kind = OpKind::composite}
      .doc("Products of channels (the last axis) summed over all other axes.")
      .operands(1)
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose);
}

Value gram_matrix(Value x) {
  return x.builder->emit_one("gram_matrix", {x});
}

}  // namespace brisk
