#include <algorithm>
#include <cmath>
#include <limits>

#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/quantize/quantize_ops.h"
#include "brisk/ops/tflite/fixed_point.h"
#include "brisk/ops/tflite/short_functions.h"
#include "brisk/ops/tflite/tflite_ops.h"
#include "brisk/ops/tflite/wide_numbers.h"

// Distances from the row's maximum are whole numbers of at most 255, so their exponentials are a
// table, made by gemmlowp's fixed-point exponential: a polynomial on [-1/4, 0), and a factor for
// each bit of the quarters below. Fractions of a unit have 31 bits, distances 26, sums 19. The
// reciprocal of a sum is a Newton iteration on the sum's mantissa, as numbers of 29 bits. (Of 16
// bits: short_functions.cpp.)

namespace brisk {
namespace {

constexpr int kDistanceBits = 26, kSumIntegerBits = 12;
constexpr int32_t kGreatest = std::numeric_limits<int32_t>::max();

/// e^x of x in [-1/4, 0), both with 31 bits: around -1/8, to the fourth power.
int32_t exp_of_fraction(int32_t x) {
  constexpr int32_t kExpOfEighth = 1895147668, kThird = 715827883;  // exp(-1/8), 1/3
  const int32_t t = x + (1 << 28);
  const int32_t t2 = high_product(t, t), t3 = high_product(t2, t), t4 = high_product(t2, t2);
  const int32_t upper = rounded_shift(high_product(rounded_shift(t4, 2) + t3, kThird) + t2, 1);
  return kExpOfEighth + high_product(kExpOfEighth, t + upper);
}

/// e^x with 31 bits, of x <= 0 with kDistanceBits.
int32_t exp_of_distance(int32_t x) {
  // exp(-1/4), exp(-1/2), ..., exp(-16) with 31 bits.
  constexpr int32_t kPowers[] = {1672461947, 1302514674, 790015084, 290630308,
                                 39332535,   720401,     242};
  if (x == 0) return kGreatest;
  constexpr int32_t kQuarter = 1 << (kDistanceBits - 2);
  const int32_t rest = (x & (kQuarter - 1)) - kQuarter;
  int32_t result = exp_of_fraction(rest << (31 - kDistanceBits));
  const int32_t quarters = rest - x;
  for (int i = 0; i < 7; ++i)
    if ((quarters & (kQuarter << i)) != 0) result = high_product(result, kPowers[i]);
  return result;
}

/// The exponentials of the distances -255 to 0, of integers that count in `attributes`.
Tensor exponentials(const TfliteSoftmaxAttributes& attributes) {
  const double units = attributes.beta * static_cast<float>(attributes.input_scale) *
                       static_cast<double>(1 << kDistanceBits);
  const FixedPointFactor factor = fixed_point_factor(std::min(units, double{kGreatest}));
  // What lies below would leave the 5 integer bits of a distance.
  const auto lowest = -std::floor(31.0 * (int64_t{1} << kDistanceBits) /
                                  static_cast<double>(int64_t{1} << factor.shift));
  Tensor table(DType::i32, {256});
  for (int32_t i = 0; i < 256; ++i) {
    const int32_t distance = i - 255;
    table.data<int32_t>()[static_cast<size_t>(i)] =
        distance < lowest ? 0 : exp_of_distance(scaled(distance, factor));
  }
  return table;
}

std::vector<Value> decompose_softmax(const DecomposeContext& context) {
  const auto& attributes = context.as<TfliteSoftmaxAttributes>();
  const Value& x = context.in(0);
  if (x.dtype() == DType::i16)
    return {short_softmax(x, static_cast<float>(attributes.input_scale) * attributes.beta)};
  const int64_t axis = x.rank() - 1;
  const Value stored = cast(x, DType::i32);
  const Value distance = stored - reduce_max(stored, {axis}, true);
  const Value exponential =
      gather(context.builder.constant(exponentials(attributes)), distance + 255);
  const Value sum =
      cast(reduce_sum(rounded_shift(exponential, kSumIntegerBits), {axis}, true), DType::i64);
  const WideNumbers wide(context.builder);
  const Value zeros = wide.leading_zeros(sum);
  const Value factor = wide.reciprocal_of_one_and(shift_left(sum, zeros) - 0x1p31);
  // From 31 bits and the sum's power of two to 8 bits. (Sums of 512 and more, which LiteRT gives up
  // at, need shifts beyond 31.)
  const Value shift = (kSumIntegerBits + 31.0 - 8.0) - zeros;
  const IntegerLimits limits = integer_limits(x.dtype());
  const Value y = rounded_shift(wide.product(factor, cast(exponential, DType::i64)), shift);
  return {cast(clamp(y + limits.low, limits.low, limits.high), x.dtype())};
}

}  // namespace

Op tflite_softmax_op() {
  return Op{.name = "tflite_softmax", .kind = OpKind::composite}
      .doc(
          "exp(beta x) / sum(exp(beta x)) along the last axis of integers of 8 bits in steps of "
          "1/256, or of 16 in steps of 1/32768, in TFLite's arithmetic.")
      .operands(1)
      .attributes<TfliteSoftmaxAttributes>()
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<TfliteSoftmaxAttributes>();
        const TensorType& x = context.tensor(0);
        require_stored(context, 0, true);
        require_scale(context, "input", attributes.input_scale);
        const bool is_short = x.dtype == DType::i16;
        require(
            !is_short || attributes.beta * attributes.input_scale < 5,
            "[tflite_softmax] beta {} times the input scale {} is not below 5, the most that 16 "
            "bits have room for",
            attributes.beta, attributes.input_scale);
        // Below, a distance of 1 would need a shift to the right.
        require(attributes.beta * attributes.input_scale * (1 << kDistanceBits) > 1 &&
                    std::isfinite(attributes.beta),
                "[tflite_softmax] beta {} times the input scale {} is not above 2^-{}",
                attributes.beta, attributes.input_scale, kDistanceBits);
        require(x.shape.rank() >= 1, "[tflite_softmax] a number has no axis");
        const Extent& last = x.shape[x.shape.rank() - 1];
        const int64_t most = (1 << (is_short ? 16 : kSumIntegerBits)) - 1;
        require(last.is_named() || last.size() <= most,
                "[tflite_softmax] a row of {} has more places than its sums have room for, {}",
                context.operands[0].to_string(), most);
        return {x};
      })
      .decompose(decompose_softmax)
      .not_differentiable();
}

Value tflite_softmax(Value x, const TfliteSoftmaxAttributes& attributes) {
  return emit_unary("tflite_softmax", x, attributes);
}

}  // namespace brisk
