#include <cmath>

#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/activation.h"
#include "brisk/ops/quantize/quantize_ops.h"

// The order of roundings is part of the meaning, so that integers come out the same on every
// device: the sum rounds to f32, + bias rounds, * multiplier rounds, and so does * product_scale;
// the residual comes in by one fused multiply-add. The last is said in f64, where the product is
// exact and the sum's own rounding all but never moves the one to f32.

namespace brisk {
namespace {

bool is_eight_bits(DType type) {
  return type == DType::i8 || type == DType::u8;
}

}  // namespace

Type quantized_result(const InferContext& context, const Shape& shape,
                      const RequantizeAttributes& attributes) {
  const std::string& op = context.op.name;
  const size_t expected = attributes.residual ? 5 : 4;
  require(context.operands.size() == expected, "[{}] takes {} operands, but gets {}", op, expected,
          context.operands.size());
  require(is_eight_bits(context.operands[0].dtype()) && context.operands[1].dtype() == DType::i8,
          "[{}] multiplies i8 or u8 with i8, not {} with {}", op, name(context.operands[0].dtype()),
          name(context.operands[1].dtype()));
  const Type by_channel(DType::f32, {shape[shape.rank() - 1]});
  for (const size_t i : {size_t{2}, size_t{3}})
    require(context.operands[i] == by_channel, "[{}] the {} must be {}, but is {}", op,
            i == 2 ? "bias" : "multiplier", by_channel.to_string(),
            context.operands[i].to_string());
  require(attributes.dtype == DType::f32 || is_eight_bits(attributes.dtype),
          "[{}] gives f32, i8 or u8, not {}", op, name(attributes.dtype));
  require(attributes.product_scale >= 0 && std::isfinite(attributes.product_scale) &&
              attributes.product_low < attributes.product_high,
          "[{}] rounds the product to steps of {} from {} to {}", op, attributes.product_scale,
          attributes.product_low, attributes.product_high);
  require(attributes.residual || attributes.product_scale == 0,
          "[{}] has a product_scale, but no residual to add", op);
  if (attributes.residual) {
    const TensorType& residual = context.tensor(4);
    require(is_eight_bits(residual.dtype) && residual.shape == shape,
            "[{}] the residual must be i8 or u8 {}, but is {}", op, shape.to_string(),
            context.operands[4].to_string());
    require(is_eight_bits(attributes.dtype), "[{}] with a residual gives i8 or u8, not {}", op,
            name(attributes.dtype));
  }
  return Type(attributes.dtype, shape);
}

float product_multiplier(double input_scale, double filter_scale, double result_scale) {
  const auto step = static_cast<float>(input_scale) * static_cast<float>(filter_scale);
  return step / static_cast<float>(result_scale);
}

Value requantized(Value sum, std::span<const Value> epilogue,
                  const RequantizeAttributes& attributes) {
  Value y = (cast(sum, DType::f32) + epilogue[0]) * epilogue[1];
  if (attributes.product_scale > 0)
    y = clamp(round(y), static_cast<double>(attributes.product_low),
              static_cast<double>(attributes.product_high)) *
        static_cast<double>(static_cast<float>(attributes.product_scale));
  if (attributes.residual) {
    // The scale as an f32 number, which is what a device multiplies with.
    const double scale = static_cast<float>(attributes.residual_scale);
    y = cast(cast(y, DType::f64) + cast(epilogue[2], DType::f64) * scale, DType::f32);
  }
  if (attributes.activation == Activation::relu6)
    y = clamp(y, 0, attributes.limit);
  else
    y = activate(y, attributes.activation);
  if (attributes.dtype == DType::f32) return y;
  const IntegerLimits limits = integer_limits(attributes.dtype);
  return cast(clamp(round(y), limits.low, limits.high), attributes.dtype);
}

}  // namespace brisk
