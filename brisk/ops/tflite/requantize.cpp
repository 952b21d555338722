#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/quantize/quantize_ops.h"
#include "brisk/ops/tflite/fixed_point.h"
#include "brisk/ops/tflite/tflite_ops.h"

namespace brisk {
namespace {

void require_result(const InferContext& context, DType type) {
  require(type == DType::i8 || type == DType::u8 || type == DType::i16,
          "[{}] gives i8, u8 or i16, not {}", context.op.name, name(type));
}

/// To the nearest whole number, halfway cases away from zero. (x + 0.5 would itself be rounded.)
Expr round_away(const Expr& x) {
  const Expr even = round_even(x), rest = x - even;
  const Expr up = select(equal(rest, Expr::constant(x.type(), 0.5)), even + 1.0, even);
  const Expr down = select(equal(rest, Expr::constant(x.type(), -0.5)), even - 1.0, even);
  return select(less(x, 0), down, up);
}

}  // namespace

Op tflite_quantize_op() {
  Op op;
  op.name = "tflite_quantize";
  op.kind = OpKind::elementwise;
  return std::move(op)
      .operands(1)
      .attributes<QuantizeAttributes>()
      .doc("saturate(round(x / scale) + zero_point), halfway cases away from zero.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<QuantizeAttributes>();
        const TensorType& x = context.tensor(0);
        require(x.dtype == DType::f32, "[tflite_quantize] takes f32, not {}", name(x.dtype));
        require_result(context, attributes.dtype);
        require_scale(context, "output", attributes.scale);
        require_zero_point(context, "output", attributes.dtype, attributes.zero_point);
        return {Type(attributes.dtype, x.shape)};
      })
      .expr([](const ExprContext& context) {
        const double scale = context.as<QuantizeAttributes>().scale;
        return saturated(context, round_away(context.in(0) / scale));
      })
      .not_differentiable();
}

Op tflite_requantize_op() {
  return Op{.name = "tflite_requantize", .kind = OpKind::composite}
      .doc("Integers of one scale as integers of another, in TFLite's arithmetic.")
      .operands(1)
      .attributes<TfliteRequantizeAttributes>()
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<TfliteRequantizeAttributes>();
        const TensorType& x = context.tensor(0);
        require_stored(context, 0, true);
        require_result(context, attributes.dtype);
        require(x.dtype != DType::i16 || attributes.dtype != DType::u8,
                "[tflite_requantize] makes i8 or i16 of i16, not u8");
        require_input(context, x.dtype, attributes.input);
        require_output(context, attributes.dtype, attributes.output);
        require_factor(context, attributes.input.input_scale / attributes.output.output_scale);
        return {Type(attributes.dtype, x.shape)};
      })
      .decompose([](const DecomposeContext& context) -> std::vector<Value> {
        const auto& attributes = context.as<TfliteRequantizeAttributes>();
        const auto from = static_cast<float>(attributes.input.input_scale),
                   to = static_cast<float>(attributes.output.output_scale);
        // TFLite divides in f64 for QUANTIZE and in f32 for RELU.
        const double factor = attributes.output.activation == Activation::none
                                  ? static_cast<double>(from) / static_cast<double>(to)
                                  : static_cast<double>(from / to);
        const Value x = centred(context.in(0), attributes.input.input_zero_point);
        return {stored(scaled(x, fixed_point_factor(factor)), attributes.output, attributes.dtype)};
      })
      .not_differentiable();
}

Value tflite_quantize(Value x, const QuantizeAttributes& attributes) {
  return emit_unary("tflite_quantize", x, attributes);
}
Value tflite_requantize(Value x, const TfliteRequantizeAttributes& attributes) {
  return emit_unary("tflite_requantize", x, attributes);
}

}  // namespace brisk
