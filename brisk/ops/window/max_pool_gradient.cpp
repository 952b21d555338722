#include "brisk/base/error.h"
#include "brisk/ops/window/pooled_shape.h"
#include "brisk/ops/window/window.h"
#include "brisk/ops/window/window_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<WindowGradientAttributes>();
  const TensorType& gradient = context.tensor(0);
  require_pooled(context.op.name, gradient.shape, attributes.shape, attributes.window);
  require_pooled(context.op.name, context.tensor(1).shape, attributes.shape, attributes.window);
  require_positions(context.op.name, context.tensor(1), attributes.window);
  return {Type(gradient.dtype, attributes.shape)};
}

std::vector<Value> vjp(const Vjp& d) {
  const auto& attributes = d.as<WindowGradientAttributes>();
  return {max_pool_select(d.grad(), d.in(1), attributes.window), Value{}};
}

}  // namespace

Op max_pool_gradient_op() {
  return Op{.name = "max_pool_gradient", .kind = OpKind::window}
      .doc(
          "Adds each element of a pooled gradient to the place that its position names; positions "
          "in the padding are dropped.")
      .operands(2)
      .attributes<WindowGradientAttributes>()
      .infer(infer)
      .vjp(vjp);
}

Value max_pool_gradient(Value gradient, Value positions, Shape shape, WindowAttributes attributes) {
  return gradient.builder->emit_one(
      "max_pool_gradient", {gradient, positions},
      WindowGradientAttributes{std::move(attributes), std::move(shape)});
}

}  // namespace brisk
