#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/elementwise/elementwise_ops.h"

// Steps are flat almost everywhere: no gradient flows through them.

namespace brisk {
namespace {

Op floor_op() {
  return unary("floor", kFloating)
      .doc("The greatest whole number not above each element.")
      .expr(on_scalars([](Expr x) { return floor(x); }))
      .not_differentiable();
}

Op ceil_op() {
  return unary("ceil", kFloating)
      .doc("The least whole number not below each element.")
      .expr(on_scalars([](Expr x) { return ceil(x); }))
      .not_differentiable();
}

Op round_op() {
  return unary("round", kFloating)
      .doc("The nearest whole number to each element; halfway cases go to the even one.")
      .expr(on_scalars([](Expr x) { return round_even(x); }))
      .not_differentiable();
}

}  // namespace

void add_rounding_ops(OpSet& set) {
  for (auto make : {floor_op, ceil_op, round_op}) set.add(make());
}

Value floor(Value x) {
  return emit_unary("floor", x);
}
Value ceil(Value x) {
  return emit_unary("ceil", x);
}
Value round(Value x) {
  return emit_unary("round", x);
}

}  // namespace brisk
