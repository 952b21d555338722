#include "brisk/ops/tflite/tflite_ops.h"

#include <cmath>

#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/quantize/quantize_ops.h"

namespace brisk {

void add_tflite_ops(OpSet& set) {
  for (auto make : {tflite_quantize_op, tflite_requantize_op, tflite_convolution_op, tflite_dot_op,
                    tflite_add_op, tflite_multiply_op, tflite_average_pool_op, tflite_mean_op,
                    tflite_softmax_op, tflite_logistic_op, tflite_tanh_op})
    set.add(make());
}

void require_stored(const InferContext& context, size_t i, bool takes_i16) {
  const DType type = context.tensor(i).dtype;
  require(type == DType::i8 || type == DType::u8 || (takes_i16 && type == DType::i16),
          "[{}] takes i8{} u8{}, not {}", context.op.name, takes_i16 ? "," : " or",
          takes_i16 ? " or i16" : "", name(type));
}

void require_scale(const InferContext& context, std::string_view what, double scale) {
  const auto rounded = static_cast<float>(scale);
  require(rounded > 0 && std::isfinite(rounded),
          "[{}] the {} scale is {}, but must be positive and finite as f32", context.op.name, what,
          scale);
}

void require_zero_point(const InferContext& context, std::string_view what, DType type,
                        int64_t zero_point) {
  if (type == DType::i16)
    return require(zero_point == 0, "[{}] the {} zero point of i16 is {}, but must be 0",
                   context.op.name, what, zero_point);
  const IntegerLimits limits = integer_limits(type);
  require(static_cast<double>(zero_point) >= limits.low &&
              static_cast<double>(zero_point) <= limits.high,
          "[{}] the {} zero point {} is no value of {}", context.op.name, what, zero_point,
          name(type));
}

void require_input(const InferContext& context, DType type,
                   const TfliteInputAttributes& attributes) {
  require_scale(context, "input", attributes.input_scale);
  require_zero_point(context, "input", type, attributes.input_zero_point);
}

void require_output(const InferContext& context, DType type,
                    const TfliteOutputAttributes& attributes) {
  require_scale(context, "output", attributes.output_scale);
  require_zero_point(context, "output", type, attributes.output_zero_point);
}

void require_factor(const InferContext& context, double factor) {
  require(factor < 0x1p30,
          "[{}] the output scale is too fine: operands would count {} times as much, and 2^30 is "
          "the most",
          context.op.name, factor);
}

Value centred(Value x, int64_t zero_point) {
  const Value wide = cast(x, DType::i32);
  return zero_point == 0 ? wide : wide - static_cast<double>(zero_point);
}

Value clamped(Value y, const TfliteOutputAttributes& attributes, DType type) {
  IntegerLimits limits = integer_limits(type);
  const auto zero_point = static_cast<double>(attributes.output_zero_point);
  if (attributes.activation != Activation::none) limits.low = std::max(limits.low, zero_point);
  if (attributes.activation == Activation::relu6) {
    const float six = std::round(6.0F / static_cast<float>(attributes.output_scale));
    limits.high = std::min(limits.high, zero_point + static_cast<double>(six));
  }
  return cast(clamp(y, limits.low, limits.high), type);
}

Value stored(Value y, const TfliteOutputAttributes& attributes, DType type) {
  if (attributes.output_zero_point != 0) y = y + static_cast<double>(attributes.output_zero_point);
  return clamped(y, attributes, type);
}

}  // namespace brisk
