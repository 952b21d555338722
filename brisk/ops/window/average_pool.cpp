#include "brisk/base/error.h"
#include "brisk/ops/window/pooled_shape.h"
#include "brisk/ops/window/window.h"
#include "brisk/ops/window/window_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const TensorType& x = context.tensor(0);
  require(is_floating(x.dtype), "[average_pool] takes floating values, not {}", name(x.dtype));
  return {Type(x.dtype,
               pooled_shape("average_pool", x.shape, context.as<AveragePoolAttributes>().window))};
}

std::vector<Value> vjp(const Vjp& d) {
  return {average_pool_gradient(d.grad(), d.in(0).shape(), d.as<AveragePoolAttributes>())};
}

}  // namespace

Op average_pool_op() {
  return Op{.name = "average_pool", .kind = OpKind::window}
      .doc(
          "The mean of each window over the spatial axes: over the places inside the input, or "
          "with count_padding over all places; zero for a window wholly in the padding.")
      .operands(1)
      .attributes<AveragePoolAttributes>()
      .infer(infer)
      .vjp(vjp);
}

Value average_pool(Value x, AveragePoolAttributes attributes) {
  return x.builder->emit_one("average_pool", {x}, std::move(attributes));
}

}  // namespace brisk
