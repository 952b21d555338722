#include <cmath>
#include <numbers>

#include "brisk/nn/operations/operation.h"
#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {
namespace {

template <Value (*kFunction)(Value)>
std::vector<Value> unary(const OperationCall& call) {
  return {kFunction(as_float(call.value(0, "x")))};
}
template <Value (*kFunction)(Value)>
std::vector<Value> unary_any(const OperationCall& call) {
  return {kFunction(call.value(0, "x"))};
}
template <Value (*kFunction)(Value, Value)>
std::vector<Value> binary(const OperationCall& call) {
  const auto [a, b] = call.pair("x1", "x2");
  return {kFunction(a, b)};
}
template <Value (*kFunction)(Value, Value)>
std::vector<Value> logic(const OperationCall& call) {
  const auto [a, b] = call.pair("x1", "x2");
  const auto boolean = [](Value x) {
    return x.dtype() == DType::boolean ? x : not_equal(x, x.builder->scalar(x.dtype(), 0));
  };
  return {kFunction(boolean(a), boolean(b))};
}

Value divide_floats(Value a, Value b) {
  return divide(as_float(a), as_float(b));
}
Value floor_divide(Value a, Value b) {
  const Value quotient = floor(divide(as_float(a), as_float(b)));
  return cast(quotient, a.dtype());
}
/// The remainder with the sign of the divisor.
Value modulo(Value a, Value b) {
  if (!is_floating(a.dtype())) {
    const Value r = remainder(a, b), zero = a.builder->scalar(a.dtype(), 0);
    return select(logical_and(not_equal(r, zero), not_equal(less(r, zero), less(b, zero))), r + b,
                  r);
  }
  return a - floor(a / b) * b;
}
Value log2_of(Value x) {
  return log(x) * (1 / std::numbers::ln2);
}
Value log10_of(Value x) {
  return log(x) * (1 / std::numbers::ln10);
}
Value sinh_of(Value x) {
  return (exp(x) - exp(-x)) / 2;
}
Value cosh_of(Value x) {
  return (exp(x) + exp(-x)) / 2;
}
Value arctan_of(Value x) {
  return atan2(x, x.builder->scalar(x.dtype(), 1));
}
Value squared_difference(Value a, Value b) {
  return square(a - b);
}
Value log_add_exp(Value a, Value b) {
  return maximum(a, b) + log1p(exp(-abs(a - b)));
}
Value is_nan(Value x) {
  return not_equal(x, x);
}
Value not_of(Value x) {
  return x.dtype() == DType::boolean ? logical_not(x) : equal(x, x.builder->scalar(x.dtype(), 0));
}

std::vector<Value> clip(const OperationCall& call) {
  const Value x = call.value(0, "x");
  const Json low = call.argument(1, "x_min"), high = call.argument(2, "x_max");
  return {minimum(maximum(x, cast(call.value(low, &x), x.dtype())),
                  cast(call.value(high, &x), x.dtype()))};
}

std::vector<Value> round_to(const OperationCall& call) {
  const double scale =
      std::pow(10.0, static_cast<double>(call.integer_or(call.argument(1, "decimals"), 0)));
  const Value x = as_float(call.value(0, "x"));
  return {scale == 1 ? round(x) : round(x * scale) / scale};
}

std::vector<Value> where(const OperationCall& call) {
  Value condition = call.value(0, "condition");
  if (condition.dtype() != DType::boolean)
    condition = not_equal(condition, call.builder.scalar(condition.dtype(), 0));
  const Json first = call.argument(1, "x1"), second = call.argument(2, "x2");
  require(!first.is_null() && !second.is_null(), "[{}] needs both values", call.name);
  Value a = call.value(first), b = call.value(second, &a);
  a = call.value(first, &b);
  if (a.dtype() != b.dtype()) {
    a = as_float(a);
    b = as_float(b);
  }
  return {select(condition, a, b)};
}

constexpr Operation kArithmeticOperations[] = {
    {"Add", binary<add>},
    {"Subtract", binary<subtract>},
    {"Multiply", binary<multiply>},
    {"Divide", binary<divide_floats>},
    {"TrueDivide", binary<divide_floats>},
    {"FloorDivide", binary<floor_divide>},
    {"Mod", binary<modulo>},
    {"Power", binary<pow>},
    {"Maximum", binary<maximum>},
    {"Minimum", binary<minimum>},
    {"SquaredDifference", binary<squared_difference>},
    {"Logaddexp", binary<log_add_exp>},
    {"Arctan2", binary<atan2>},
    {"Negative", unary_any<negate>},
    {"Absolute", unary_any<abs>},
    {"Abs", unary_any<abs>},
    {"Sign", unary_any<sign>},
    {"Square", unary_any<square>},
    {"Sqrt", unary<sqrt>},
    {"Rsqrt", unary<rsqrt>},
    {"Reciprocal", unary<reciprocal>},
    {"Exp", unary<exp>},
    {"Expm1", unary<expm1>},
    {"Log", unary<log>},
    {"Log1p", unary<log1p>},
    {"Log2", unary<log2_of>},
    {"Log10", unary<log10_of>},
    {"Sin", unary<sin>},
    {"Cos", unary<cos>},
    {"Tan", unary<tan>},
    {"Sinh", unary<sinh_of>},
    {"Cosh", unary<cosh_of>},
    {"Arctan", unary<arctan_of>},
    {"Erf", unary<erf>},
    {"Floor", unary<floor>},
    {"Ceil", unary<ceil>},
    {"Round", round_to},
    {"Isfinite", unary<is_finite>},
    {"Isnan", unary<is_nan>},
    {"Clip", clip},
    {"Equal", binary<equal>},
    {"NotEqual", binary<not_equal>},
    {"Less", binary<less>},
    {"LessEqual", binary<less_equal>},
    {"Greater", binary<greater>},
    {"GreaterEqual", binary<greater_equal>},
    {"LogicalAnd", logic<logical_and>},
    {"LogicalOr", logic<logical_or>},
    {"LogicalXor", logic<logical_xor>},
    {"LogicalNot", unary_any<not_of>},
    {"Where", where},
    {"StopGradient", unary_any<stop_gradient>},
};

}  // namespace

std::span<const Operation> arithmetic_operations() {
  return kArithmeticOperations;
}

}  // namespace brisk
