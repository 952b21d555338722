#include "brisk/ops/tflite/fixed_point.h"

#include <cmath>
#include <limits>

#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

// gemmlowp says a high product as (a b + nudge) / 2^31 with a nudge that has the product's sign and
// a division that truncates. That is floor((a b + 2^30) / 2^31) for either sign.

namespace brisk {
namespace {

constexpr int64_t kHalf = int64_t{1} << 30;

Value number(const Value& beside, int64_t value) {
  return beside.builder->scalar(beside.dtype(), static_cast<double>(value));
}

/// x * 2^shift for a shift above 0.
Value shifted_left(Value x, int shift) {
  return shift > 0 ? shift_left(x, number(x, shift)) : x;
}

}  // namespace

FixedPointFactor fixed_point_factor(double real) {
  invariant(real >= 0 && std::isfinite(real), "{} is no factor of a scale", real);
  int shift = 0;
  auto mantissa = static_cast<int64_t>(std::round(std::frexp(real, &shift) * 0x1p31));
  if (mantissa == int64_t{1} << 31) mantissa /= 2, ++shift;
  if (mantissa == 0 || shift < -31) return {};
  return {static_cast<int32_t>(mantissa), shift};
}

int32_t high_product(int32_t a, int32_t b) {
  constexpr int32_t kLowest = std::numeric_limits<int32_t>::min();
  if (a == kLowest && b == kLowest) return std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>((int64_t{a} * b + kHalf) >> 31);
}

int32_t rounded_shift(int32_t x, int exponent) {
  const auto mask = static_cast<int32_t>((int64_t{1} << exponent) - 1);
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

int32_t scaled(int32_t x, FixedPointFactor factor) {
  const int left = std::max(factor.shift, 0), right = std::max(-factor.shift, 0);
  const auto moved = static_cast<int32_t>(static_cast<uint32_t>(x) << left);
  return rounded_shift(high_product(moved, factor.mantissa), right);
}

Value high_product(Value a, Value b) {
  const Value product = cast(a, DType::i64) * cast(b, DType::i64);
  return cast(shift_right(product + static_cast<double>(kHalf), number(product, 31)), DType::i32);
}

Value rounded_shift(Value x, Value exponent) {
  const Value mask = shift_left(number(x, 1), exponent) - 1;
  const Value threshold =
      shift_right(mask, number(mask, 1)) + cast(less(x, number(x, 0)), x.dtype());
  const Value remainder = bitwise_and(x, mask);
  return shift_right(x, exponent) + cast(greater(remainder, threshold), x.dtype());
}

Value rounded_shift(Value x, int exponent) {
  return exponent > 0 ? rounded_shift(x, number(x, exponent)) : x;
}

Value scaled(Value x, FixedPointFactor factor) {
  const Value moved = shifted_left(x, factor.shift);
  return rounded_shift(high_product(moved, number(x, factor.mantissa)), -factor.shift);
}

FixedPointFactors fixed_point_factors(Value real) {
  const auto constant = [&real](double value) { return real.builder->scalar(DType::f64, value); };
  // Steps of powers of two, which are exact, take the fraction into [1/2, 1).
  Value fraction = real, shift = broadcast_to(constant(0), real.shape());
  const auto step = [&](Value is_needed, int exponent) {
    fraction = select(is_needed, fraction * std::ldexp(1.0, -exponent), fraction);
    shift = select(is_needed, shift + static_cast<double>(exponent), shift);
  };
  for (const int exponent : {16, 8, 4, 2, 1})
    step(greater_equal(fraction, constant(std::ldexp(1.0, exponent - 1))), exponent);
  for (const int exponent : {32, 16, 8, 4, 2, 1})
    step(less(fraction, constant(std::ldexp(1.0, -exponent))), -exponent);
  fraction = floor(fraction * 0x1p31 + 0.5);
  step(greater_equal(fraction, constant(0x1p31)), 1);
  const Value is_none = less(shift, constant(-31)), none = constant(0);
  return {cast(select(is_none, none, fraction), DType::i32),
          cast(select(is_none, none, shift), DType::i32)};
}

Value scaled(Value x, const FixedPointFactors& factors) {
  const Value none = number(factors.shift, 0);
  const Value moved = shift_left(x, maximum(factors.shift, none));
  return rounded_shift(high_product(moved, factors.mantissa), maximum(none - factors.shift, none));
}

Value scaled_wide(Value x, const FixedPointFactors& factors) {
  const Value mantissa = cast(factors.mantissa, DType::i64),
              shift = number(mantissa, 15) - cast(factors.shift, DType::i64);
  const Value short_mantissa =
      minimum(shift_right(mantissa + 0x1p15, number(mantissa, 16)), number(mantissa, 0x7fff));
  const Value half = shift_left(number(mantissa, 1), shift - number(mantissa, 1));
  return cast(shift_right(x * short_mantissa + half, shift), DType::i32);
}

}  // namespace brisk
