#include <algorithm>
#include <cmath>

#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/quantize/quantize_ops.h"
#include "brisk/ops/tflite/short_functions.h"
#include "brisk/ops/tflite/tflite_ops.h"

// An 8-bit operand has 256 values: the result of each is computed once, in f32. (Of 16 bits:
// short_functions.cpp.)

namespace brisk {
namespace {

float logistic_of(float x) {
  return 1.0F / (1.0F + std::exp(-x));
}
float tanh_of(float x) {
  return std::tanh(x);
}

/// What a function's results count in.
struct OutputGrid {
  float steps;       ///< of one unit
  bool from_lowest;  ///< 0 is the type's lowest value; else the middle
};

Op lookup_op(std::string op_name, std::string doc, float (*function)(float), OutputGrid grid,
             Value (*of_16_bits)(Value x, double input_scale)) {
  return Op{.name = std::move(op_name), .kind = OpKind::composite}
      .doc(std::move(doc))
      .operands(1)
      .attributes<TfliteInputAttributes>()
      .infer([](const InferContext& context) -> std::vector<Type> {
        require_stored(context, 0, true);
        const DType type = context.tensor(0).dtype;
        const auto& attributes = context.as<TfliteInputAttributes>();
        require_input(context, type, attributes);
        require(type != DType::i16 || attributes.input_scale * 12288 < 32768,
                "[{}] the input scale of i16 is {}, but must be below 8 / 3", context.op.name,
                attributes.input_scale);
        return {context.operands[0]};
      })
      .decompose([=](const DecomposeContext& context) -> std::vector<Value> {
        const auto& attributes = context.as<TfliteInputAttributes>();
        const DType type = context.in(0).dtype();
        if (type == DType::i16) return {of_16_bits(context.in(0), attributes.input_scale)};
        const IntegerLimits limits = integer_limits(type);
        const double zero = grid.from_lowest ? limits.low : limits.low + 128;
        Tensor table(type, {256});
        for (int64_t i = 0; i < 256; ++i) {
          const int64_t x = i + static_cast<int64_t>(limits.low) - attributes.input_zero_point;
          const float real = static_cast<float>(attributes.input_scale) * static_cast<float>(x);
          const double y = std::round(function(real) * grid.steps);
          table.set(i, std::clamp(y + zero, limits.low, limits.high));
        }
        Value index = cast(context.in(0), DType::i32);
        if (limits.low != 0) index = index - limits.low;
        return {gather(context.builder.constant(table), index)};
      })
      .not_differentiable();
}

}  // namespace

Op tflite_logistic_op() {
  return lookup_op(
      "tflite_logistic",
      "1 / (1 + exp(-x)) of integers of 8 bits in steps of 1/256, or of 16 in steps of "
      "1/32768, in TFLite's arithmetic.",
      logistic_of, {256, true}, short_logistic);
}

Op tflite_tanh_op() {
  return lookup_op(
      "tflite_tanh",
      "The hyperbolic tangent of integers of 8 bits in steps of 1/128, or of 16 in steps "
      "of 1/32768, in TFLite's arithmetic.",
      tanh_of, {128, false}, short_tanh);
}

Value tflite_logistic(Value x, const TfliteInputAttributes& attributes) {
  return emit_unary("tflite_logistic", x, attributes);
}

Value tflite_tanh(Value x, const TfliteInputAttributes& attributes) {
  return emit_unary("tflite_tanh", x, attributes);
}

}  // namespace brisk
