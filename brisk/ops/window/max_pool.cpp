#include "brisk/base/error.h"
#include "brisk/ops/window/pooled_shape.h"
#include "brisk/ops/window/window.h"
#include "brisk/ops/window/window_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<WindowAttributes>();
  const TensorType& x = context.tensor(0);
  require(x.dtype != DType::boolean && x.dtype != DType::i4,
          "[max_pool] takes numbers of whole bytes, not {}", name(x.dtype));
  const Shape shape = pooled_shape("max_pool", x.shape, attributes);
  const TensorType positions{DType::u8, shape};
  require_positions("max_pool", positions, attributes);
  return {Type(x.dtype, shape), positions};
}

std::vector<Value> vjp(const Vjp& d) {
  return {max_pool_gradient(d.grad(), d.out(1), d.in(0).shape(), d.as<WindowAttributes>())};
}

}  // namespace

Op max_pool_op() {
  return Op{.name = "max_pool", .kind = OpKind::window}
      .doc(
          "The maximum of each window over the spatial axes, and the position of its first source "
          "inside the window; padding never wins.")
      .operands(1)
      .attributes<WindowAttributes>()
      .infer(infer)
      .vjp(vjp)
      .not_smooth();
}

MaxPool max_pool(Value x, WindowAttributes attributes) {
  const auto results = x.builder->emit("max_pool", {&x, 1}, std::move(attributes));
  return {results[0], results[1]};
}

}  // namespace brisk
