#pragma once

/// The elementwise kind: what its ops share. A declaration names the op, the element types it
/// takes, one scalar expression and one gradient; type and shape rules come from here:
///
///     unary("exp", kFloating)
///         .doc("e to the power of each element.")
///         .expr(on_scalars([](Expr x) { return exp(x); }))
///         .vjp(derivative([](const Vjp& d, Value g) { return g * d.out(); }))

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/ir/builder.h"
#include "brisk/ir/op.h"

namespace brisk {

/// The element types that an op takes, and the words for them in refusals.
struct ElementTypes {
  std::string_view words;
  bool (*accept)(DType);
};
inline constexpr ElementTypes kFloating{"floating", [](DType t) { return is_floating(t); }};
inline constexpr ElementTypes kIntegers{"integer", [](DType t) { return is_integer(t); }};
inline constexpr ElementTypes kBoolean{"bool", [](DType t) { return t == DType::boolean; }};
inline constexpr ElementTypes kNumeric{"floating or integer",
                                       [](DType t) { return t != DType::boolean; }};
inline constexpr ElementTypes kSigned{"floating or signed integer",
                                      [](DType t) { return is_signed(t); }};
inline constexpr ElementTypes kAnyElements{"any", [](DType) { return true; }};

/// Refuses an operand whose element type is not among `types`, or that is quantized.
void check_elements(const InferContext& context, size_t operand, const ElementTypes& types);
/// Refuses operands [first, last] that differ in element type or shape, naming both types.
void check_equal_types(const InferContext& context, size_t first, size_t last);
/// Refuses operands `a` and `b` that differ in shape, naming both types.
void check_equal_shapes(const InferContext& context, size_t a, size_t b);

/// One operand; the result has its type.
Op unary(std::string name, ElementTypes types);
/// Two operands of one type, which the result has.
Op binary(std::string name, ElementTypes types);
/// Two operands of one type; the result is bool. No gradient.
Op comparison(std::string name, ElementTypes types);

/// A scalar rule from a function of one, two or three expressions.
template <typename F>
auto on_scalars(F f) {
  return [f](const ExprContext& context) -> Expr {
    if constexpr (std::invocable<F, Expr>)
      return f(context.in(0));
    else if constexpr (std::invocable<F, Expr, Expr>)
      return f(context.in(0), context.in(1));
    else
      return f(context.in(0), context.in(1), context.in(2));
  };
}

/// A gradient rule of a unary op from `Value f(const Vjp&, Value gradient of the result)`.
template <typename F>
auto derivative(F f) {
  return [f](const Vjp& d) -> std::vector<Value> { return {f(d, d.grad())}; };
}

/// The gradient of the result times slope(x), computed in x's compute type: formulas of several
/// steps would lose most digits of a short float.
Value scaled_by_slope(const Vjp& d, const std::function<Value(Value x)>& slope);

/// A gradient rule of a unary op from its derivative `Value slope(Value x)`, by scaled_by_slope.
template <typename F>
auto slope(F f) {
  return [f](const Vjp& d) -> std::vector<Value> { return {scaled_by_slope(d, f)}; };
}

/// `gradient` where `condition` holds, else 0.
Value zero_unless(Value condition, Value gradient);
/// A rank-0 constant of x's element type; refused when an integer type cannot hold the value.
Value constant_beside(Value x, double value);

/// Emits op on operands after checking that they are defined and of one element type, and
/// broadcasting them to one shape by NumPy's rule with explicit "broadcast" nodes.
Value emit_broadcasting(std::string_view op, std::vector<Value> operands);
Value emit_unary(std::string_view op, Value x, Attributes attributes = {});

}  // namespace brisk
