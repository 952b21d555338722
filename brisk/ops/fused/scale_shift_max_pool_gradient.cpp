#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/fused_ops.h"
#include "brisk/ops/window/pooled_shape.h"

// A first layer's gradient: what is gathered from the pooled gradients is as large as the image,
// and goes into the image's gradient alone.

namespace brisk {
namespace {

constexpr std::string_view kName = "scale_shift_max_pool_gradient";

enum Operand : size_t { kGradient, kPositions, kX, kScale, kShift, kSlope, kOffset };

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<WindowGradientAttributes>();
  const Type &gradient = context.operands[kGradient], &x = context.operands[kX];
  require(is_floating(x.dtype()) && x.shape() == attributes.shape,
          "[{}] x must be floating with the shape {}, but is {}", kName,
          attributes.shape.to_string(), x.to_string());
  require(gradient.dtype() == x.dtype(), "[{}] the gradient must be {}, but is {}", kName,
          name(x.dtype()), name(gradient.dtype()));
  require_pooled(kName, gradient.shape(), attributes.shape, attributes.window);
  require_pooled(kName, context.tensor(kPositions).shape, attributes.shape, attributes.window);
  require_positions(kName, context.tensor(kPositions), attributes.window);
  const Type vector = channel_vector(x);
  for (const auto& [what, i] :
       {std::pair("scale", kScale), {"shift", kShift}, {"slope", kSlope}, {"offset", kOffset}})
    require(context.operands[i] == vector, "[{}] {} must be {}, but is {}", kName, what,
            vector.to_string(), context.operands[i].to_string());
  return {x};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<WindowGradientAttributes>();
  const Value &x = context.in(kX), &scale = context.in(kScale);
  const Value g = max_pool_gradient(context.in(kGradient), context.in(kPositions), attributes.shape,
                                    attributes.window);
  const Value dz = scale_shift_relu_gradient(g, x, scale, context.in(kShift)).dz;
  const DType wide = compute_type(x.dtype());
  return {cast(cast(dz, wide) * scale + cast(x, wide) * context.in(kSlope) + context.in(kOffset),
               x.dtype())};
}

}  // namespace

Op scale_shift_max_pool_gradient_op() {
  return Op{.name = std::string(kName), .kind = OpKind::composite}
      .doc(
          "The gradient of x behind scale_shift_max_pool and batch norm's sums: max_pool_gradient "
          "where x * scale + shift is positive, times scale; with x * slope + offset added.")
      .operands(7)
      .attributes<WindowGradientAttributes>()
      .infer(infer)
      .decompose(decompose)
      .not_smooth();
}

Value scale_shift_max_pool_gradient(Value gradient, Value positions, Value x, Value scale,
                                    Value shift, const ChannelLine& line,
                                    WindowGradientAttributes attributes) {
  const std::vector<Value> operands = {gradient, positions,  x,          scale,
                                       shift,    line.slope, line.offset};
  return gradient.builder->emit(kName, operands, std::move(attributes))[0];
}

}  // namespace brisk
