#include "brisk/base/error.h"
#include "brisk/ops/window/pooled_shape.h"
#include "brisk/ops/window/window.h"
#include "brisk/ops/window/window_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<WindowAttributes>();
  const TensorType& x = context.tensor(0);
  require_pooled("max_pool_select", context.tensor(1).shape, x.shape, attributes);
  require_positions("max_pool_select", context.tensor(1), attributes);
  return {Type(x.dtype, context.tensor(1).shape)};
}

std::vector<Value> vjp(const Vjp& d) {
  return {max_pool_gradient(d.grad(), d.in(1), d.in(0).shape(), d.as<WindowAttributes>()), Value{}};
}

}  // namespace

Op max_pool_select_op() {
  return Op{.name = "max_pool_select", .kind = OpKind::window}
      .doc(
          "Reads one element of each window, at the position given; zero where that lies in the "
          "padding. The transpose of max_pool_gradient.")
      .operands(2)
      .attributes<WindowAttributes>()
      .infer(infer)
      .vjp(vjp);
}

Value max_pool_select(Value x, Value positions, WindowAttributes attributes) {
  return x.builder->emit_one("max_pool_select", {x, positions}, std::move(attributes));
}

}  // namespace brisk
