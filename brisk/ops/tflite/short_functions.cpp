#include "brisk/ops/tflite/short_functions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/tflite/fixed_point.h"
#include "brisk/ops/tflite/wide_numbers.h"

// Logistic and tanh share a table of 65536 / (1 + exp(-i / 24)), for tanh(x) is 2 logistic(2x) - 1
// and both are symmetric. Softmax has two tables of 513 entries: of the exponential between -10 and
// 0, and of 1 / (1 + x) between 0 and 1.

namespace brisk {
namespace {

constexpr int64_t kLast =
    255;  ///< entry of the table, from which on the functions are at their end

Value like(const Value& beside, int64_t value) {
  return beside.builder->scalar(beside.dtype(), static_cast<double>(value));
}
Value moved_right(Value x, int64_t shift) {
  return shift_right(x, like(x, shift));
}
Value moved_left(Value x, int64_t shift) {
  return shift_left(x, like(x, shift));
}

/// What TFLite's table has, i32 [256]: at these places it is one more than the nearest number.
Tensor logistic_table() {
  constexpr std::array<uint8_t, 44> kOneMore = {
      4,  8,  12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31,  33,  34,  35,  37,  39,
      40, 41, 43, 44, 45, 46, 49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255};
  Tensor table(DType::i32, {kLast + 1});
  for (int64_t i = 0; i <= kLast; ++i)
    table.set(i, std::round(65536 / (1 + std::exp(-static_cast<double>(i) / 24))));
  for (const uint8_t i : kOneMore) table.set(i, table.get(i) + 1);
  return table;
}

/// What stands `fraction_bits` finer than the table at |x|, without a sign; `end` beyond it.
Value on_lines(Value magnitude, int fraction_bits, int64_t end) {
  const Value table = magnitude.builder->constant(logistic_table());
  const Value place = moved_right(magnitude, fraction_bits);
  const Value inside = minimum(place, like(place, kLast - 1));
  const Value low = gather(table, inside), high = gather(table, inside + 1.0);
  const Value fraction = bitwise_and(magnitude, like(magnitude, (1 << fraction_bits) - 1));
  return select(greater_equal(place, like(place, kLast)), like(place, end),
                moved_left(low, fraction_bits) + fraction * (high - low));
}

Value in_units(Value x, const ShortFunctionScale& scale) {
  const Value product = cast(x, DType::i32) * static_cast<double>(scale.multiplier);
  if (scale.shift == 0) return product;
  return moved_right(product + std::ldexp(1.0, scale.shift - 1), scale.shift);
}

/// A table of 513 entries of `function` over [first, last], in 1/32768: each stands a quarter of
/// the error in the middle of its line lower than the function does.
Tensor line_table(float (*function)(float), float scale, int64_t zero_point) {
  constexpr int kLines = 512;
  const float low = scale * static_cast<float>(-32768 - zero_point),
              high = scale * static_cast<float>(32767 - zero_point), step = (high - low) / kLines;
  constexpr float kOutput = 2.0F / 65535.0F;
  const float inverse = 65536.0F / (kOutput * 32767.0F - kOutput * -32768.0F);
  const auto stored = [](float value) { return std::clamp(value, -32768.0F, 32767.0F); };
  Tensor table(DType::i32, {kLines + 1});
  for (int i = 0; i < kLines; ++i) {
    const float from = low + static_cast<float>(i) * step;
    const float value = function(from), middle = function(from + step / 2),
                next = function(low + static_cast<float>(i + 1) * step);
    const float sample = std::round(value * inverse);
    const float on_line = std::round((next * inverse + sample) / 2);
    const float lower = std::round((on_line - std::round(middle * inverse)) / 2);
    table.set(i, stored(sample - lower));
  }
  table.set(kLines, stored(std::round(function(high) * inverse)));
  return table;
}

/// The table's line at x, i32 of 16 bits.
Value on_table(Value x, const Tensor& entries) {
  const Value table = x.builder->constant(entries);
  const Value place = moved_right(x, 7) + 256.0, low = gather(table, place);
  const Value slope = gather(table, place + 1.0) - low;
  return low + moved_right(slope * bitwise_and(x, like(x, 127)) + 64.0, 7);
}

Value of_16_bits(Value x) {
  return clamp(x, -32768, 32767);
}

}  // namespace

ShortFunctionScale short_function_scale(double input_scale, bool is_tanh) {
  const auto scale = static_cast<float>(input_scale);
  for (const int finer : {0, 1})  // whole powers of two: no rounding
    if (scale == std::ldexp(1.0F, finer - 12) && (finer == 0 || is_tanh)) return {3 << finer, 0};
  double multiplier = static_cast<double>(scale) * 12288;
  int shift = 0;
  for (; multiplier <= 32767.0 / 2 && shift <= 30; ++shift) multiplier *= 2;
  return {static_cast<int32_t>(multiplier), shift};
}

Value short_logistic(Value x, double input_scale) {
  const Value units = in_units(x, short_function_scale(input_scale, false));
  const Value y = on_lines(abs(units), 9, 0x7fff << 10);
  const Value up = y + 512.0, down = like(y, (1 << 25) + 511) - y;
  const Value is_positive = greater_equal(units, like(units, 0));
  return cast(moved_right(select(is_positive, up, down), 10), DType::i16);
}

Value short_tanh(Value x, double input_scale) {
  const Value units = in_units(x, short_function_scale(input_scale, true));
  const Value y = on_lines(abs(units), 8, 0xffff << 8) - 0x1p23;
  const Value up = y + 128.0, down = like(y, 127) - y;
  const Value is_positive = greater_equal(units, like(units, 0));
  return cast(moved_right(select(is_positive, up, down), 8), DType::i16);
}

Value short_softmax(Value x, double units) {
  const int64_t axis = x.rank() - 1;
  const Value stored = cast(x, DType::i32);
  const FixedPointFactor factor = fixed_point_factor(units / (10.0 / 65535.0));
  const Value distance = scaled(stored - reduce_max(stored, {axis}, true), factor);
  const Value exponential =
      on_table(of_16_bits(distance + 32767.0),
               line_table([](float v) { return std::exp(v); }, 10.0F / 65535.0F, 32767));
  const Value sum = cast(reduce_sum(exponential, {axis}, true), DType::i64);
  const WideNumbers wide(*x.builder);
  const Value zeros = wide.leading_zeros(sum);
  const Value mantissa = moved_right(shift_left(sum, zeros - 1.0) + 0x1p13, 14) - (0x1p15 + 0x1p16);
  const Value reciprocal =
      on_table(cast(of_16_bits(mantissa), DType::i32),
               line_table([](float v) { return 1.0F / (1.0F + v); }, 1.0F / 65535.0F, -32768));
  const Value shift = like(zeros, 31) - zeros;
  const Value half = shift_left(like(shift, 1), shift - 1.0);
  const Value y =
      shift_right(cast(exponential, DType::i64) * cast(reciprocal, DType::i64) + half, shift);
  return cast(clamp(y, 0, 32767), DType::i16);
}

}  // namespace brisk
