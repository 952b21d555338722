#include "brisk/formats/onnx/ops/cast_to.h"

#include <bit>
#include <cmath>
#include <limits>

#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"

// A tiny float type has at most 255 magnitudes. Rounding to it is counting: the magnitude's index
// is the number of thresholds below |x|, where threshold k lies half-way between magnitudes k and k
// + 1. Where the tie belongs to the upper one (its index is even), the threshold is moved down by
// one step of f32, so that one comparison serves all. Exact, without any bits taken apart.

namespace brisk::onnx {
namespace {

float below(float value) {
  return std::nextafterf(value, -std::numeric_limits<float>::infinity());
}

/// Thresholds between neighbours, then the one above which a value is out of range.
std::vector<float> thresholds(const TinyFloat& type, const std::string& mode, bool up_only) {
  std::vector<float> result;
  const std::vector<float>& values = type.magnitudes;
  for (size_t k = 0; k + 1 < values.size(); ++k) {
    const float low = values[k], high = values[k + 1];
    const float middle = low / 2 + high / 2;
    if (up_only && mode == "up")
      result.push_back(low);
    else if (up_only && mode == "down")
      result.push_back(below(high));
    else if (up_only)
      result.push_back(below(middle));  // halves go up
    else
      result.push_back(k % 2 == 1 ? below(middle) : middle);
  }
  return result;
}

}  // namespace

Value rounded_to(Value x, ElementType element, const CastRules& rules) {
  const TinyFloat& type = tiny_float(element);
  Builder& builder = *x.builder;
  const float infinity = std::numeric_limits<float>::infinity(),
              nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> steps = thresholds(type, rules.round_mode, !type.has_sign);
  const Value magnitude = abs(x);
  // Count thresholds below: [..., 1] > [steps].
  Shape wide = x.shape();
  wide.push_back(Extent(static_cast<int64_t>(steps.size())));
  Shape column = x.shape();
  column.push_back(Extent(1));
  const Value above = greater(broadcast_to(reshape(magnitude, column), wide),
                              broadcast_to(real_list(builder, steps), wide));
  const Value index = reduce_sum(cast(above, DType::i32), {x.rank()});
  Value rounded = gather(real_list(builder, type.magnitudes), index, 0);
  const float largest = type.magnitudes.back();
  const auto full = [&](double value) { return filled(builder, DType::f32, x.shape(), value); };
  if (!rules.saturate) {
    // The first value that would round up to the next magnitude, were there one.
    const size_t count = type.magnitudes.size();
    const float next = largest + (largest - type.magnitudes[count - 2]);
    const float limit = largest / 2 + next / 2;
    const bool tie_up = (count - 1) % 2 == 1;
    const float over = type.has_infinity ? infinity : type.has_nan ? nan : largest;
    rounded = select(greater(magnitude, full(tie_up ? below(limit) : limit)), full(over), rounded);
  }
  if (type.has_sign) rounded = select(less(x, full(0)), -rounded, rounded);
  if (type.has_sign && type.has_negative_zero) {
    // -0 is less than nothing: the sign of a zero comes from 1 / x.
    const Value negative_zero = logical_and(equal(x, full(0)), less(full(1) / x, full(0)));
    rounded = select(negative_zero, full(-0.0), rounded);
  }
  if (!type.has_sign) rounded = select(less(x, full(0)), full(type.has_nan ? nan : 0), rounded);
  if (!type.has_negative_zero && type.has_sign)
    rounded = select(equal(rounded, full(0)), full(0), rounded);
  if (type.has_nan) rounded = select(not_equal(x, x), full(nan), rounded);
  return rounded;
}

Value cast_element(Value x, ElementType from, ElementType to, const CastRules& rules) {
  require(carrier(from) && carrier(to), "{} cannot be cast to {}", name(from), name(to));
  const DType type = *carrier(to);
  if (from == to) return x;
  if (is_tiny_float(to) && bits(type) == 8 && brisk::is_floating(type)) {
    // brisk's own types, which round as ONNX does and do not saturate.
    const double largest = tiny_float(to).magnitudes.back();
    const Value wide = cast(x, DType::f32);
    return cast(rules.saturate ? clamp(wide, -largest, largest) : wide, type);
  }
  if (is_tiny_float(to)) {
    const Value rounded = rounded_to(cast(x, DType::f32), to, rules);
    return cast(rounded, type);
  }
  if (bits(to) < 8) {
    // Packed integers: the low bits, read as the type's own; floats truncate first.
    Value y = cast(cast(x, brisk::is_floating(x.dtype()) ? DType::i32 : x.dtype()), DType::i32);
    const int width = bits(to);
    y = bitwise_and(y, filled(*y.builder, DType::i32, y.shape(), (1 << width) - 1));
    if (type == DType::i8) {
      const Value sign = filled(*y.builder, DType::i32, y.shape(), 1 << (width - 1));
      y = bitwise_xor(y, sign) - sign;
    }
    return cast(y, type);
  }
  return cast(x, type);
}

}  // namespace brisk::onnx
