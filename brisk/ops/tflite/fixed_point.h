#pragma once

/// Fixed-point arithmetic in 32-bit integers as gemmlowp and TFLite's reference kernels have it:
/// real factors become a mantissa of 31 bits and a shift, products round twice.

#include "brisk/ir/builder.h"

namespace brisk {

/// mantissa * 2^(shift - 31), with 2^30 <= mantissa < 2^31, or 0.
struct FixedPointFactor {
  int32_t mantissa = 0, shift = 0;
};

/// The nearest one to `real` >= 0; below 2^-32 it is 0. TFLite's QuantizeMultiplier.
FixedPointFactor fixed_point_factor(double real);

/// a * b / 2^31 to the nearest whole number, halfway cases up; of the lowest number with itself the
/// greatest. gemmlowp's SaturatingRoundingDoublingHighMul.
int32_t high_product(int32_t a, int32_t b);
/// x / 2^exponent to the nearest whole number, halfway cases away from 0; exponent 0 to 31.
/// gemmlowp's RoundingDivideByPOT.
int32_t rounded_shift(int32_t x, int exponent);
/// x * factor, rounded by high_product and then, for a negative shift, by rounded_shift; x times a
/// positive power of two wraps. TFLite's MultiplyByQuantizedMultiplier with two roundings, which
/// its builds have unless they ask for one.
int32_t scaled(int32_t x, FixedPointFactor factor);

/// The same of i32 values of a graph, but for the saturating case.
Value high_product(Value a, Value b);
Value rounded_shift(Value x, Value exponent);
Value rounded_shift(Value x, int exponent);
Value scaled(Value x, FixedPointFactor factor);
/// A factor for each index of the last axis of x.
struct FixedPointFactors {
  Value mantissa, shift;  ///< i32 [n]
};
/// fixed_point_factor of f64 [n] in [0, 2^31).
FixedPointFactors fixed_point_factors(Value real);
Value scaled(Value x, const FixedPointFactors& factors);
/// The same of i64 sums within 2^47: by 15 bits of the mantissa and one rounding, halfway cases up,
/// as i32. TFLite's MultiplyByQuantizedMultiplier of 64 bits. Shifts are below 8.
Value scaled_wide(Value x, const FixedPointFactors& factors);

}  // namespace brisk
