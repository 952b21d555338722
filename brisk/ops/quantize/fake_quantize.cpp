#include "brisk/ops/quantize/fake_quantize.h"

#include <numeric>

#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/quantize/quantize_ops.h"
#include "brisk/ops/reduce/reduce.h"

// TensorFlow's arithmetic to the last bit: a scalar range divides by the scale, ranges by channel
// multiply with its inverse (tensorflow/core/kernels/fake_quant_ops_functor.h). Where minimum and
// maximum are both 0, any scale will do as long as it is no NaN: nothing of it is used.

namespace brisk {
namespace {

enum Operand : size_t { kX, kMinimum, kMaximum };

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<FakeQuantizeAttributes>();
  const TensorType& x = context.tensor(kX);
  require(x.dtype == DType::f32 || x.dtype == DType::f64,
          "[fake_quantize] takes f32 or f64, not {}", name(x.dtype));
  require(attributes.num_bits >= 2 && attributes.num_bits <= 16,
          "[fake_quantize] num_bits is {}, but must be 2 to 16", attributes.num_bits);
  for (const auto& [what, i] : {std::pair("minimum", kMinimum), {"maximum", kMaximum}}) {
    const TensorType& limit = context.tensor(i);
    const bool by_channel = x.shape.rank() > 0 && limit.shape.rank() == 1 &&
                            limit.shape[0] == x.shape[x.shape.rank() - 1];
    require(limit.dtype == x.dtype && (limit.shape.rank() == 0 || by_channel) &&
                limit.shape == context.tensor(kMinimum).shape,
            "[fake_quantize] the {} is {}, but must be one number, or one for each of the last "
            "axis, like the minimum and of the type of x {}",
            what, context.operands[i].to_string(), context.operands[kX].to_string());
  }
  return {x};
}

/// The moved range, shaped like minimum and maximum.
struct Range {
  Value zero;  ///< bool: minimum and maximum are both 0
  Value low, high;
  Value scale, inverse;  ///< 1 where `zero`
};

/// `number` beside every element of `like`.
Value filled(const Value& like, double number) {
  return broadcast_to(like.builder->scalar(like.dtype(), number), like.shape());
}

/// To the nearest whole number, halfway cases away from zero; x >= 0.
Value round_half_up(Value x) {
  const Value whole = floor(x);
  return whole + cast(greater_equal(x - whole, filled(x, 0.5)), x.dtype());
}

Range moved_range(Value minimum, Value maximum, const FakeQuantizeAttributes& attributes) {
  const double first = attributes.narrow_range ? 1 : 0,
               last = static_cast<double>((int64_t{1} << attributes.num_bits) - 1);
  const Value none = filled(minimum, 0), one = filled(minimum, 1), width = maximum - minimum;
  Range range;
  range.zero = logical_and(equal(minimum, none), equal(maximum, none));
  range.scale = select(range.zero, one, width / (last - first));
  range.inverse = select(range.zero, one, (last - first) / width);
  const Value point = round_half_up(clamp(first - minimum / range.scale, first, last));
  range.low = (first - point) * range.scale;
  range.high = (last - point) * range.scale;
  return range;
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const Value& x = context.in(kX);
  const Range range =
      moved_range(context.in(kMinimum), context.in(kMaximum), context.as<FakeQuantizeAttributes>());
  const auto spread = [&](Value value) { return broadcast_to(value, x.shape()); };
  const Value zero_point = floor(range.inverse * (-range.low) + 0.5);
  const Value shifted =
      maximum(minimum(x, spread(range.high)), spread(range.low)) - spread(range.low);
  const bool by_channel = range.scale.rank() == 1;
  const Value steps = by_channel ? shifted * spread(range.inverse) : shifted / spread(range.scale);
  const Value y = floor(steps - spread(zero_point) + 0.5) * spread(range.scale);
  return {select(spread(range.zero), filled(x, 0), y)};
}

std::vector<Value> vjp(const Vjp& d) {
  const Value &x = d.in(kX), g = d.grad();
  const Range range = moved_range(d.in(kMinimum), d.in(kMaximum), d.as<FakeQuantizeAttributes>());
  const auto spread = [&](Value value) { return broadcast_to(value, x.shape()); };
  const Value none = filled(g, 0), anywhere = spread(range.zero), low = spread(range.low),
              high = spread(range.high);
  std::vector<int64_t> summed(static_cast<size_t>(x.rank() - range.low.rank()));
  std::iota(summed.begin(), summed.end(), 0);
  const auto sum_where = [&](Value outside) {
    const Value part = select(logical_and(outside, logical_not(anywhere)), g, none);
    return summed.empty() ? part : reduce_sum(part, summed);
  };
  std::vector<Value> gradients(3);
  if (d.needs(kX))
    gradients[kX] = select(
        logical_or(anywhere, logical_and(greater_equal(x, low), less_equal(x, high))), g, none);
  if (d.needs(kMinimum)) gradients[kMinimum] = sum_where(less(x, low));
  if (d.needs(kMaximum)) gradients[kMaximum] = sum_where(greater(x, high));
  return gradients;
}

}  // namespace

Op fake_quantize_op() {
  return Op{.name = "fake_quantize", .kind = OpKind::composite}
      .doc(
          "x rounded to the nearest of 2^num_bits numbers between minimum and maximum, one of them "
          "0; the gradient goes straight through.")
      .operands(3)
      .attributes<FakeQuantizeAttributes>()
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose)
      .not_smooth();
}

Value fake_quantize(Value x, Value minimum, Value maximum,
                    const FakeQuantizeAttributes& attributes) {
  return x.builder->emit_one("fake_quantize", {x, minimum, maximum}, attributes);
}

}  // namespace brisk
