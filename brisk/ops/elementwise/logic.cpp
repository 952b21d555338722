#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/elementwise/elementwise_ops.h"

namespace brisk {
namespace {

using BinaryRule = Expr (*)(Expr, Expr);

/// A commutative operation on bools or on the bits of integers.
Op bitwise(std::string name, ElementTypes types, std::string doc, BinaryRule rule) {
  return binary(std::move(name), types)
      .doc(std::move(doc))
      .expr(on_scalars(rule))
      .not_differentiable()
      .with([](Op& op) { op.commutative = true; });
}

Op shift(std::string name, std::string doc, ScalarOp operation) {
  return binary(std::move(name), kIntegers)
      .doc(std::move(doc))
      .expr([operation](const ExprContext& context) {
        return Expr::make(operation, {context.in(0), context.in(1)});
      })
      .not_differentiable();
}

Op invert(std::string name, ElementTypes types, std::string doc) {
  return unary(std::move(name), types)
      .doc(std::move(doc))
      .expr(on_scalars([](Expr x) { return bit_not(x); }))
      .not_differentiable();
}

}  // namespace

void add_logic_ops(OpSet& set) {
  set.add(bitwise("logical_and", kBoolean, "Whether both elements are true.", bit_and));
  set.add(bitwise("logical_or", kBoolean, "Whether any of both elements is true.", bit_or));
  set.add(bitwise("logical_xor", kBoolean, "Whether exactly one element is true.", bit_xor));
  set.add(invert("logical_not", kBoolean, "Whether each element is false."));
  set.add(bitwise("bitwise_and", kIntegers, "The bits that both integers have.", bit_and));
  set.add(bitwise("bitwise_or", kIntegers, "The bits that any of both integers has.", bit_or));
  set.add(bitwise("bitwise_xor", kIntegers, "The bits that exactly one integer has.", bit_xor));
  set.add(invert("bitwise_not", kIntegers, "Each integer with all its bits inverted."));
  set.add(shift("shift_left",
                "The first integer shifted to higher bits by the second; 0 when it is shifted by "
                "its width or more (negative counts are large ones).",
                ScalarOp::shift_left));
  set.add(shift("shift_right",
                "The first integer shifted to lower bits by the second, keeping the sign of signed "
                "types; by its width or more: 0, or -1 for a negative one.",
                ScalarOp::shift_right));
}

Value logical_and(Value a, Value b) {
  return emit_broadcasting("logical_and", {a, b});
}
Value logical_or(Value a, Value b) {
  return emit_broadcasting("logical_or", {a, b});
}
Value logical_xor(Value a, Value b) {
  return emit_broadcasting("logical_xor", {a, b});
}
Value logical_not(Value x) {
  return emit_unary("logical_not", x);
}
Value bitwise_and(Value a, Value b) {
  return emit_broadcasting("bitwise_and", {a, b});
}
Value bitwise_or(Value a, Value b) {
  return emit_broadcasting("bitwise_or", {a, b});
}
Value bitwise_xor(Value a, Value b) {
  return emit_broadcasting("bitwise_xor", {a, b});
}
Value bitwise_not(Value x) {
  return emit_unary("bitwise_not", x);
}
Value shift_left(Value a, Value b) {
  return emit_broadcasting("shift_left", {a, b});
}
Value shift_right(Value a, Value b) {
  return emit_broadcasting("shift_right", {a, b});
}

}  // namespace brisk
