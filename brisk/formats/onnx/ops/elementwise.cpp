#include <limits>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/reduce/reduce.h"

// Arithmetic, comparisons, logic and the functions of mathematics. NumPy's broadcasting is brisk's.

namespace brisk::onnx {
namespace {

template <Value (*F)(Value)>
void unary(Call& c) {
  c.out(F(c.in(0)), c.element(0));
}

template <Value (*F)(Value, Value)>
void binary(Call& c) {
  Value a = c.in(0), b = c.in(1);
  // Until opset 7, `b` could be aligned at an axis.
  if (c.opset < 7 && c.integer("broadcast", 0) != 0 && c.has_attribute("axis")) {
    Shape shape = b.shape();
    const int64_t behind = a.rank() - checked_axis(c.integer("axis"), a.rank()) - b.rank();
    for (int64_t i = 0; i < behind; ++i) shape.push_back(Extent(1));
    b = reshape(b, shape);
  }
  const Value result = F(a, b);
  if (result.dtype() == DType::boolean)
    c.out(result);
  else
    c.out(result, c.element(0));
}

template <Value (*F)(Value, Value)>
void variadic(Call& c) {
  Value result = c.in(0);
  for (size_t i = 1; i < c.num_inputs(); ++i) result = F(result, c.in(i));
  c.out(result);
}

void mean(Call& c) {
  Value result = c.in(0);
  for (size_t i = 1; i < c.num_inputs(); ++i) result = result + c.in(i);
  c.out(result * (1.0 / static_cast<double>(c.num_inputs())));
}

void absolute(Call& c) {
  c.out(is_signed(c.in(0).dtype()) ? abs(c.in(0)) : c.in(0), c.element(0));
}

void signum(Call& c) {
  const Value x = c.in(0);
  c.out(is_signed(x.dtype()) ? sign(x) : minimum(x, x.builder->scalar(x.dtype(), 1)), c.element(0));
}

void arc_sine(Call& c) {
  formula(c, [](Value x) { return atan2(x, sqrt((1.0 - x) * (1.0 + x))); });
}
void arc_cosine(Call& c) {
  formula(c, [](Value x) { return atan2(sqrt((1.0 - x) * (1.0 + x)), x); });
}
void arc_tangent(Call& c) {
  formula(c, [](Value x) { return atan2(x, filled(*x.builder, x.dtype(), x.shape(), 1)); });
}
void hyperbolic_sine(Call& c) {
  formula(c, [](Value x) {
    const Value e = expm1(abs(x));
    return sign(x) * ((e + e / (e + 1.0)) * 0.5);
  });
}
void hyperbolic_cosine(Call& c) {
  formula(c, [](Value x) { return (exp(x) + exp(-x)) * 0.5; });
}
void area_sine(Call& c) {
  formula(c, [](Value x) {
    const Value a = abs(x);
    return sign(x) * log1p(a + square(a) / (1.0 + sqrt(square(a) + 1.0)));
  });
}
void area_cosine(Call& c) {
  formula(c, [](Value x) {
    const Value t = x - 1.0;
    return log1p(t + sqrt(2.0 * t + square(t)));
  });
}
void area_tangent(Call& c) {
  formula(c, [](Value x) { return 0.5 * log1p(2.0 * x / (1.0 - x)); });
}

/// Python's sign rule (that of the divisor) or, with fmod, C's.
void modulo(Call& c) {
  const Value a = c.in(0), b = c.in(1);
  const Value rest = remainder(a, b);
  if (c.integer("fmod", 0) != 0 || !is_signed(a.dtype())) return c.out(rest);
  const Value zero = a.builder->scalar(a.dtype(), 0);
  const Value moved =
      logical_and(not_equal(rest, zero), not_equal(less(rest, zero), less(b, zero)));
  c.out(select(moved, rest + b, rest));
}

void power(Call& c) {
  const Value base = c.in(0), exponent = c.in(1);
  if (base.dtype() == exponent.dtype()) return c.out(pow(base, exponent));
  if (!is_floating(base.dtype()) && is_floating(exponent.dtype()))
    return c.out(cast(pow(cast(base, DType::f64), cast(exponent, DType::f64)), base.dtype()));
  c.out(pow(base, cast(exponent, base.dtype())));
}

void shift(Call& c) {
  const bool left = c.text("direction", "") == "LEFT";
  require(left || c.text("direction", "") == "RIGHT",
          "its direction is '{}', but must be LEFT or RIGHT", c.text("direction", ""));
  c.out(left ? shift_left(c.in(0), c.in(1)) : shift_right(c.in(0), c.in(1)));
}

void clip(Call& c) {
  Value x = c.in(0);
  if (c.opset < 11) {
    const auto limit = std::numeric_limits<float>::max();
    return c.out(clamp(x, c.real("min", -limit), c.real("max", limit)));
  }
  // As activations are written: limits that are numbers.
  const auto is_number = [&](size_t i) {
    return c.has(i) && c.rank(i) == 0 && c.trace.is_constant(c.item(i));
  };
  if (is_floating(x.dtype()) && is_number(1) && is_number(2)) {
    const double low = c.known_real(1), high = c.known_real(2);
    if (low == 0 && high == 6) return c.out(relu6(x), c.element(0));
    if (low <= high) return c.out(clamp(x, low, high), c.element(0));
  }
  if (c.has(1)) x = maximum(x, c.in(1));
  if (c.has(2)) x = minimum(x, c.in(2));
  c.out(x);
}

void where(Call& c) {
  c.out(select(c.in(0), c.in(1), c.in(2)), c.element(1));
}

void is_nan(Call& c) {
  const Value x = widened(c.in(0));
  c.out(not_equal(x, x));
}

void is_inf(Call& c) {
  const Value x = widened(c.in(0));
  const double infinity = std::numeric_limits<double>::infinity();
  const Value high = equal(x, filled(c.builder(), x.dtype(), x.shape(), infinity));
  const Value low = equal(x, filled(c.builder(), x.dtype(), x.shape(), -infinity));
  const bool positive = c.integer("detect_positive", 1) != 0,
             negative = c.integer("detect_negative", 1) != 0;
  if (positive && negative) return c.out(logical_or(high, low));
  if (positive) return c.out(high);
  if (negative) return c.out(low);
  c.out(filled(c.builder(), DType::boolean, x.shape(), 0));
}

void equals(Call& c) {
  if (c.element(0) != ElementType::string) return binary<equal>(c);
  const HostTensor a = c.known(0), b = c.known(1);
  const std::vector<std::string>&left = *a.strings, &right = *b.strings;
  require(a.sizes == b.sizes || right.size() == 1 || left.size() == 1,
          "lists of {} and {} strings cannot be compared", left.size(), right.size());
  const size_t count = std::max(left.size(), right.size());
  Tensor result(DType::boolean, left.size() >= right.size() ? a.sizes : b.sizes);
  for (size_t i = 0; i < count; ++i)
    result.data<bool>()[i] = left[left.size() == 1 ? 0 : i] == right[right.size() == 1 ? 0 : i];
  c.out(HostTensor(std::move(result)));
}

constexpr OpRow kElementwiseRows[] = {
    {"Add", binary<add>},
    {"Sub", binary<subtract>},
    {"Mul", binary<multiply>},
    {"Div", binary<divide>},
    {"Mod", modulo},
    {"Pow", power},
    {"Max", variadic<maximum>},
    {"Min", variadic<minimum>},
    {"Sum", variadic<add>},
    {"Mean", mean},
    {"Equal", equals},
    {"Less", binary<less>},
    {"LessOrEqual", binary<less_equal>},
    {"Greater", binary<greater>},
    {"GreaterOrEqual", binary<greater_equal>},
    {"And", binary<logical_and>},
    {"Or", binary<logical_or>},
    {"Xor", binary<logical_xor>},
    {"Not", unary<logical_not>},
    {"BitwiseAnd", binary<bitwise_and>},
    {"BitwiseOr", binary<bitwise_or>},
    {"BitwiseXor", binary<bitwise_xor>},
    {"BitwiseNot", unary<bitwise_not>},
    {"BitShift", shift},
    {"Abs", absolute},
    {"Neg", unary<negate>},
    {"Sign", signum},
    {"Exp", unary<exp>},
    {"Log", unary<log>},
    {"Sqrt", unary<sqrt>},
    {"Reciprocal", unary<reciprocal>},
    {"Sin", unary<sin>},
    {"Cos", unary<cos>},
    {"Tan", unary<tan>},
    {"Asin", arc_sine},
    {"Acos", arc_cosine},
    {"Atan", arc_tangent},
    {"Sinh", hyperbolic_sine},
    {"Cosh", hyperbolic_cosine},
    {"Asinh", area_sine},
    {"Acosh", area_cosine},
    {"Atanh", area_tangent},
    {"Erf", unary<erf>},
    {"Floor", unary<floor>},
    {"Ceil", unary<ceil>},
    {"Round", unary<round>},
    {"Clip", clip},
    {"Where", where},
    {"IsNaN", is_nan},
    {"IsInf", is_inf},
};

}  // namespace

std::span<const OpRow> elementwise_ops() {
  return kElementwiseRows;
}

}  // namespace brisk::onnx
