#include <cmath>

#include "brisk/base/error.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/composite/composite_ops.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

// An element is dropped where its random word lies below rate * 2^32: an integer comparison inside
// the loop that uses it. Dropout is linear in x, so its gradient is dropout under the same key; the
// mask is computed again and never stored.

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const TensorType& x = context.tensor(0);
  const double rate = context.as<DropoutAttributes>().rate;
  require(is_floating(x.dtype), "[dropout] takes floating values, not {}", name(x.dtype));
  require(rate >= 0 && rate <= 1, "[dropout] rate {} is not in [0, 1]", rate);
  require(context.operands[1] == Type(DType::u32, {2}),
          "[dropout] the key is u32[2], but {} is given", context.operands[1].to_string());
  return {x};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<DropoutAttributes>();
  const Value &x = context.in(0), &key = context.in(1);
  if (!attributes.training) return {x};
  const double threshold = std::nearbyint(attributes.rate * 0x1.0p32);
  if (threshold >= 0x1.0p32) return {zeros(context.builder, x.type())};
  const DType wide = compute_type(x.dtype());
  const Value dropped =
      less(random_bits(key, x.shape()), context.builder.scalar(DType::u32, threshold));
  const Value scaled = cast(x, wide) * (1 / (1 - attributes.rate));
  return {cast(select(dropped, context.builder.scalar(wide, 0), scaled), x.dtype())};
}

std::vector<Value> vjp(const Vjp& d) {
  return {dropout(d.grad(), d.in(1), d.as<DropoutAttributes>()), Value{}};
}

}  // namespace

Op dropout_op() {
  return Op{.name = "dropout", .kind = OpKind::composite}
      .doc(
          "In training zero with probability `rate`, else x / (1 - rate), decided by "
          "random_bits(key); x itself in inference.")
      .operands(2)
      .attributes<DropoutAttributes>()
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose)
      .with([](Op& op) { op.random = true; });
}

Value dropout(Value x, Value key, DropoutAttributes attributes) {
  return x.builder->emit_one("dropout", {x, key}, attributes);
}

}  // namespace brisk
