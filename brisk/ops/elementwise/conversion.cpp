#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/elementwise/elementwise_ops.h"

namespace brisk {
namespace {

Op cast_op() {
  Op op;
  op.name = "cast";
  op.kind = OpKind::elementwise;
  return std::move(op)
      .operands(1)
      .attributes<CastAttributes>()
      .doc(
          "Each element in another type: floats round to nearest even; a float to an integer "
          "truncates and saturates, NaN gives 0; integers wrap; to bool: whether it is not 0.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        check_elements(context, 0, kAnyElements);
        return {Type(context.as<CastAttributes>().dtype, context.tensor(0).shape)};
      })
      .expr([](const ExprContext& context) { return context.in(0).cast(context.result); })
      .vjp(derivative([](const Vjp& d, Value g) {
        const DType type = d.in(0).dtype();
        return is_floating(type) && is_floating(g.dtype()) ? cast(g, type) : Value();
      }));
}

Op stop_gradient_op() {
  return unary("stop_gradient", kAnyElements)
      .doc("The operand, through which no gradient flows.")
      .expr(on_scalars([](Expr x) { return x; }))
      .not_differentiable();
}

Op optimization_barrier_op() {
  return unary("optimization_barrier", kAnyElements)
      .doc("The operand; simplification never removes it.")
      .expr(on_scalars([](Expr x) { return x; }))
      .vjp(derivative([](const Vjp&, Value g) { return g; }));
}

}  // namespace

void add_conversion_ops(OpSet& set) {
  for (auto make : {cast_op, stop_gradient_op, optimization_barrier_op}) set.add(make());
}

Value cast(Value x, DType type) {
  if (x.defined() && x.dtype() == type) return x;
  return emit_unary("cast", x, CastAttributes{type});
}
Value stop_gradient(Value x) {
  return emit_unary("stop_gradient", x);
}
Value optimization_barrier(Value x) {
  return emit_unary("optimization_barrier", x);
}

}  // namespace brisk
