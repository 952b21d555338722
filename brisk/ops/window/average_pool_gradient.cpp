#include "brisk/base/error.h"
#include "brisk/ops/window/pooled_shape.h"
#include "brisk/ops/window/window.h"
#include "brisk/ops/window/window_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<AveragePoolGradientAttributes>();
  const TensorType& gradient = context.tensor(0);
  require(is_floating(gradient.dtype), "[average_pool_gradient] takes floating values, not {}",
          name(gradient.dtype));
  require_pooled("average_pool_gradient", gradient.shape, attributes.shape, attributes.pool.window);
  return {Type(gradient.dtype, attributes.shape)};
}

std::vector<Value> vjp(const Vjp& d) {
  return {average_pool(d.grad(), d.as<AveragePoolGradientAttributes>().pool)};
}

}  // namespace

Op average_pool_gradient_op() {
  return Op{.name = "average_pool_gradient", .kind = OpKind::window}
      .doc(
          "Spreads each element of a pooled gradient evenly over its window. The transpose of "
          "average_pool.")
      .operands(1)
      .attributes<AveragePoolGradientAttributes>()
      .infer(infer)
      .vjp(vjp);
}

Value average_pool_gradient(Value gradient, Shape shape, AveragePoolAttributes attributes) {
  return gradient.builder->emit_one(
      "average_pool_gradient", {gradient},
      AveragePoolGradientAttributes{std::move(attributes), std::move(shape)});
}

}  // namespace brisk
