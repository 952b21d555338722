#include <cmath>
#include <limits>

#include "brisk/base/error.h"
#include "brisk/ir/expr.h"

// The meaning of every scalar operation. Floats live in a double: f32 values are exactly
// representable there, each f32 operation runs in float and widens its result. Integers live in 64
// bits, sign- or zero-extended from their width; an operation computes modulo 2^64 and `wrap` cuts
// the result back to the width, which is what two's-complement hardware of that width gives.

namespace brisk {
namespace {

uint64_t wrap(DType type, uint64_t value) {
  if (type == DType::boolean) return value != 0 ? 1 : 0;
  const int unused = 64 - bits(type);
  if (is_signed(type))
    return static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
  return value << unused >> unused;
}

// ---- floats -----------------------------------------------------------------------------------

template <typename T>
T extreme(T a, T b, bool greatest) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
  return (greatest ? a < b : b < a) ? b : a;
}

template <typename T>
T float_operation(ScalarOp op, T a, T b) {
  switch (op) {
    case ScalarOp::add:
      return a + b;
    case ScalarOp::subtract:
      return a - b;
    case ScalarOp::multiply:
      return a * b;
    case ScalarOp::divide:
      return a / b;
    case ScalarOp::remainder:
      return std::fmod(a, b);
    case ScalarOp::maximum:
      return extreme(a, b, true);
    case ScalarOp::minimum:
      return extreme(a, b, false);
    case ScalarOp::power:
      return std::pow(a, b);
    case ScalarOp::atan2:
      return std::atan2(a, b);
    case ScalarOp::negate:
      return -a;
    case ScalarOp::absolute:
      return std::fabs(a);
    case ScalarOp::exponential:
      return std::exp(a);
    case ScalarOp::expm1:
      return std::expm1(a);
    case ScalarOp::logarithm:
      return std::log(a);
    case ScalarOp::log1p:
      return std::log1p(a);
    case ScalarOp::square_root:
      return std::sqrt(a);
    case ScalarOp::sine:
      return std::sin(a);
    case ScalarOp::cosine:
      return std::cos(a);
    case ScalarOp::tangent:
      return std::tan(a);
    case ScalarOp::hyperbolic_tangent:
      return std::tanh(a);
    case ScalarOp::error_function:
      return std::erf(a);
    case ScalarOp::floor:
      return std::floor(a);
    case ScalarOp::ceiling:
      return std::ceil(a);
    case ScalarOp::round_even:
      return std::nearbyint(a);
    default:
      break;
  }
  invariant(false, "scalar operation {} is not defined for floats", name(op));
  return a;
}

double float_operation(ScalarOp op, DType type, double a, double b) {
  if (type == DType::f64) return float_operation<double>(op, a, b);
  return float_operation<float>(op, static_cast<float>(a), static_cast<float>(b));
}

bool compare(ScalarOp op, auto a, auto b) {
  switch (op) {
    case ScalarOp::equal:
      return a == b;
    case ScalarOp::not_equal:
      return a != b;
    case ScalarOp::less:
      return a < b;
    default:
      return a <= b;
  }
}

// ---- integers ---------------------------------------------------------------------------------

uint64_t divide(DType type, uint64_t a, uint64_t b) {
  if (b == 0) return 0;
  if (!is_signed(type)) return a / b;
  if (b == UINT64_MAX) return 0 - a;  // by -1; the lowest value wraps to itself
  return static_cast<uint64_t>(static_cast<int64_t>(a) / static_cast<int64_t>(b));
}

uint64_t remainder(DType type, uint64_t a, uint64_t b) {
  return b == 0 ? 0 : a - divide(type, a, b) * b;
}

uint64_t power(DType type, uint64_t base, uint64_t exponent) {
  if (is_signed(type) && static_cast<int64_t>(exponent) < 0) return 0;
  uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

uint64_t shift_left(DType type, uint64_t a, uint64_t by) {
  return by >= static_cast<uint64_t>(bits(type)) ? 0 : a << by;
}

uint64_t shift_right(DType type, uint64_t a, uint64_t by) {
  const bool beyond = by >= static_cast<uint64_t>(bits(type));
  if (!is_signed(type)) return beyond ? 0 : a >> by;
  return static_cast<uint64_t>(static_cast<int64_t>(a) >> (beyond ? 63 : by));
}

bool less(DType type, uint64_t a, uint64_t b) {
  return is_signed(type) ? static_cast<int64_t>(a) < static_cast<int64_t>(b) : a < b;
}

uint64_t integer_operation(ScalarOp op, DType type, uint64_t a, uint64_t b) {
  switch (op) {
    case ScalarOp::add:
      return a + b;
    case ScalarOp::subtract:
      return a - b;
    case ScalarOp::multiply:
      return a * b;
    case ScalarOp::divide:
      return divide(type, a, b);
    case ScalarOp::remainder:
      return remainder(type, a, b);
    case ScalarOp::maximum:
      return less(type, a, b) ? b : a;
    case ScalarOp::minimum:
      return less(type, b, a) ? b : a;
    case ScalarOp::power:
      return power(type, a, b);
    case ScalarOp::negate:
      return 0 - a;
    case ScalarOp::absolute:
      return less(type, a, 0) ? 0 - a : a;
    case ScalarOp::bit_and:
      return a & b;
    case ScalarOp::bit_or:
      return a | b;
    case ScalarOp::bit_xor:
      return a ^ b;
    case ScalarOp::bit_not:
      return type == DType::boolean ? a ^ 1 : ~a;
    case ScalarOp::shift_left:
      return shift_left(type, a, b);
    case ScalarOp::shift_right:
      return shift_right(type, a, b);
    default:
      break;
  }
  invariant(false, "scalar operation {} is not defined for {}", name(op), name(type));
  return 0;
}

// ---- conversions ------------------------------------------------------------------------------

/// Truncates toward zero and saturates at the type's limits; NaN gives 0.
uint64_t saturate(DType type, double value) {
  if (type == DType::boolean) return value != 0 ? 1 : 0;
  if (std::isnan(value)) return 0;
  const int magnitude_bits = bits(type) - (is_signed(type) ? 1 : 0);
  const double limit = std::ldexp(1.0, magnitude_bits);  // first value beyond the type
  const uint64_t highest = magnitude_bits == 64 ? UINT64_MAX : (uint64_t{1} << magnitude_bits) - 1;
  const double whole = std::trunc(value);
  if (whole >= limit) return highest;
  if (!is_signed(type)) return whole <= 0 ? 0 : static_cast<uint64_t>(whole);
  if (whole < -limit) return ~highest;
  return static_cast<uint64_t>(static_cast<int64_t>(whole));
}

Scalar cast(DType from, DType to, const Scalar& a) {
  if (!is_floating(to))
    return {.bits = is_floating(from) ? saturate(to, a.value) : wrap(to, a.bits)};
  if (is_floating(from))
    return {.value = to == DType::f32 ? static_cast<double>(static_cast<float>(a.value)) : a.value};
  const auto convert = [&]<typename T>() -> double {  // straight to T: rounded once
    return is_signed(from) ? static_cast<T>(static_cast<int64_t>(a.bits)) : static_cast<T>(a.bits);
  };
  return {.value = to == DType::f32 ? convert.operator()<float>() : convert.operator()<double>()};
}

}  // namespace

Scalar evaluate(const ScalarInstruction& instruction, DType operand_type,
                std::span<const Scalar> operands) {
  const ScalarOp op = instruction.op;
  switch (op) {
    case ScalarOp::constant:
      return {.value = instruction.value, .bits = instruction.bits};
    case ScalarOp::input:
    case ScalarOp::linear_index:
    case ScalarOp::coordinate:
      invariant(false, "a scalar {} is supplied by the loop around it, not evaluated", name(op));
      break;
    case ScalarOp::select:
      return operands[0].bits != 0 ? operands[1] : operands[2];
    case ScalarOp::cast:
      return cast(operand_type, instruction.type, operands[0]);
    case ScalarOp::is_finite:
      return {.bits = std::isfinite(operands[0].value) ? 1u : 0u};
    case ScalarOp::equal:
    case ScalarOp::not_equal:
    case ScalarOp::less:
    case ScalarOp::less_equal: {
      const Scalar &a = operands[0], &b = operands[1];
      if (is_floating(operand_type)) return {.bits = compare(op, a.value, b.value)};
      if (is_signed(operand_type))
        return {.bits = compare(op, static_cast<int64_t>(a.bits), static_cast<int64_t>(b.bits))};
      return {.bits = compare(op, a.bits, b.bits)};
    }
    default:
      break;
  }
  const Scalar a = operands[0];
  const Scalar b = operands.size() > 1 ? operands[1] : Scalar{};
  if (is_floating(instruction.type))
    return {.value = float_operation(op, instruction.type, a.value, b.value)};
  return {.bits = wrap(instruction.type, integer_operation(op, instruction.type, a.bits, b.bits))};
}

}  // namespace brisk
