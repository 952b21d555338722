#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/fused_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const Type &x = context.operands[0], &shift = context.operands[1];
  require(is_floating(x.dtype()) && x.rank() >= 2,
          "[channel_shift] x must be floating [..., channels], but is {}", x.to_string());
  require(shift == channel_vector(x), "[channel_shift] x {} needs a shift {}, not {}",
          x.to_string(), channel_vector(x).to_string(), shift.to_string());
  return {x};
}

/// As a bias is added, so that a convolution's epilogue takes it.
std::vector<Value> decompose(const DecomposeContext& context) {
  return {context.in(0) + cast(context.in(1), context.in(0).dtype())};
}

std::vector<Value> vjp(const Vjp& d) {
  const Value g = d.grad();
  std::vector<Value> gradients(2);
  if (d.needs(0)) gradients[0] = g;
  if (d.needs(1)) gradients[1] = channel_sum(cast(g, compute_type(g.dtype())));
  return gradients;
}

}  // namespace

Op channel_shift_op() {
  return Op{.name = "channel_shift", .kind = OpKind::composite}
      .doc(
          "x + shift, a number per channel (the last axis), rounded to x's type first; its "
          "gradient "
          "is summed in the compute type and not rounded.")
      .operands(2)
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose);
}

Value channel_shift(Value x, Value shift) {
  return x.builder->emit_one("channel_shift", {x, shift});
}

}  // namespace brisk
