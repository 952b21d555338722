#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/activation.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/fused_ops.h"

namespace brisk {
namespace {

enum Operand : size_t { kX, kScale, kShift, kResidual };

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<ScaleShiftAttributes>();
  const Type& x = context.operands[kX];
  require(is_floating(x.dtype()) && x.rank() >= 2,
          "[scale_shift] x must be floating [..., channels], but is {}", x.to_string());
  require(context.operands.size() == (attributes.residual ? 4u : 3u),
          "[scale_shift] takes {} operands, but gets {}", attributes.residual ? 4 : 3,
          context.operands.size());
  for (const auto& [what, i] : {std::pair("scale", kScale), {"shift", kShift}})
    require(context.operands[i] == channel_vector(x), "[scale_shift] x {} needs a {} {}, not {}",
            x.to_string(), what, channel_vector(x).to_string(), context.operands[i].to_string());
  if (attributes.residual)
    require(context.operands[kResidual] == x, "[scale_shift] the residual must be {}, but is {}",
            x.to_string(), context.operands[kResidual].to_string());
  return {x};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<ScaleShiftAttributes>();
  const Value& x = context.in(kX);
  const DType wide = compute_type(x.dtype());
  Value y = cast(x, wide) * context.in(kScale) + context.in(kShift);
  if (attributes.residual) y = y + cast(context.in(kResidual), wide);
  return {cast(activate(y, attributes.activation), x.dtype())};
}

std::vector<Value> vjp(const Vjp& d) {
  const auto& attributes = d.as<ScaleShiftAttributes>();
  const Value &x = d.in(kX), &scale = d.in(kScale);
  std::vector<Value> gradients(d.operands.size());
  const Value g = d.grad();
  const DType wide = compute_type(x.dtype());
  ScaleShiftGradient at;
  if (attributes.activation == Activation::none) {
    const Value long_g = cast(g, wide);
    at = {g, channel_sum(long_g * cast(x, wide)), channel_sum(long_g)};
  } else if (attributes.residual) {
    at = scale_shift_result_gradient(g, x, d.out());
  } else {
    at = scale_shift_relu_gradient(g, x, scale, d.in(kShift));
  }
  if (d.needs(kX)) gradients[kX] = cast(cast(at.dz, wide) * scale, x.dtype());
  if (d.needs(kScale)) gradients[kScale] = at.sum_x;
  if (d.needs(kShift)) gradients[kShift] = at.sum;
  if (attributes.residual && d.needs(kResidual)) gradients[kResidual] = at.dz;
  return gradients;
}

}  // namespace

Op scale_shift_op() {
  return Op{.name = "scale_shift", .kind = OpKind::composite}
      .doc(
          "activation(x * scale + shift + residual), scale and shift a number per channel (the "
          "last axis), the residual optional: batch norm whose statistics are known.")
      .operands(3, 4)
      .attributes<ScaleShiftAttributes>()
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose)
      .not_smooth();
}

Value scale_shift(Value x, Value scale, Value shift, Activation activation) {
  return x.builder->emit_one("scale_shift", {x, scale, shift},
                             ScaleShiftAttributes{false, activation});
}

Value scale_shift_residual(Value x, Value scale, Value shift, Value residual,
                           Activation activation) {
  return x.builder->emit_one("scale_shift", {x, scale, shift, residual},
                             ScaleShiftAttributes{true, activation});
}

}  // namespace brisk
