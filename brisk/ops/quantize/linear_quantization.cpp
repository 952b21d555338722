#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/quantize/quantize_ops.h"

namespace brisk {
namespace {

bool is_stored(DType type) {
  return type == DType::i8 || type == DType::u8 || type == DType::i16 || type == DType::u16;
}

constexpr ElementTypes kQuantizable{"f32 or f64",
                                    [](DType t) { return t == DType::f32 || t == DType::f64; }};
constexpr ElementTypes kStored{"i8, u8, i16, u16 or i32",
                               [](DType t) { return is_stored(t) || t == DType::i32; }};

void check_scale(std::string_view op, double scale) {
  require(scale > 0 && std::isfinite(scale),
          "[{}] the scale is {}, but must be positive and finite", op, scale);
}

Op elementwise_op(std::string name) {
  Op op;
  op.name = std::move(name);
  op.kind = OpKind::elementwise;
  return op;
}

Op quantize_op() {
  return elementwise_op("quantize")
      .operands(1)
      .attributes<QuantizeAttributes>()
      .doc("saturate(round(x / scale) + zero_point), halfway cases to the even number.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<QuantizeAttributes>();
        check_elements(context, 0, kQuantizable);
        check_scale("quantize", attributes.scale);
        require(is_stored(attributes.dtype), "[quantize] gives i8, u8, i16 or u16, not {}",
                brisk::name(attributes.dtype));
        const IntegerLimits limits = integer_limits(attributes.dtype);
        require(static_cast<double>(attributes.zero_point) >= limits.low &&
                    static_cast<double>(attributes.zero_point) <= limits.high,
                "[quantize] the zero point {} is no value of {}", attributes.zero_point,
                brisk::name(attributes.dtype));
        return {Type(attributes.dtype, context.tensor(0).shape)};
      })
      .expr([](const ExprContext& context) {
        const double scale = context.as<QuantizeAttributes>().scale;
        return saturated(context, round_even(context.in(0) / scale));
      })
      .not_differentiable();
}

Op dequantize_op() {
  return elementwise_op("dequantize")
      .operands(1)
      .attributes<DequantizeAttributes>()
      .doc("(x - zero_point) * scale in f32.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        check_elements(context, 0, kStored);
        check_scale("dequantize", context.as<DequantizeAttributes>().scale);
        return {Type(DType::f32, context.tensor(0).shape)};
      })
      .expr([](const ExprContext& context) {
        const auto& attributes = context.as<DequantizeAttributes>();
        const Expr stored = context.in(0).cast(DType::i32);
        // Subtracted as integers: a 32-bit one does not fit f32.
        const Expr zero_point =
            Expr::integer(DType::i32, static_cast<uint64_t>(attributes.zero_point));
        return (stored - zero_point).cast(DType::f32) * attributes.scale;
      })
      .not_differentiable();
}

}  // namespace

void add_linear_quantization_ops(OpSet& set) {
  set.add(quantize_op());
  set.add(dequantize_op());
}

IntegerLimits integer_limits(DType type) {
  invariant(is_integer(type) && bits(type) <= 32, "{} has limits that no f64 holds", name(type));
  const double span = std::ldexp(1.0, bits(type));
  return is_signed(type) ? IntegerLimits{-span / 2, span / 2 - 1} : IntegerLimits{0, span - 1};
}

Expr saturated(const ExprContext& context, const Expr& rounded) {
  const auto& attributes = context.as<QuantizeAttributes>();
  const IntegerLimits limits = integer_limits(attributes.dtype);
  const Expr y = rounded + static_cast<double>(attributes.zero_point);
  const Expr low = Expr::constant(y.type(), limits.low);
  // A comparison with NaN is false.
  const Expr above = select(greater(y, limits.low), y, low);
  return minimum(above, limits.high).cast(context.result);
}

Value quantize(Value x, const QuantizeAttributes& attributes) {
  return emit_unary("quantize", x, attributes);
}
Value dequantize(Value x, const DequantizeAttributes& attributes) {
  return emit_unary("dequantize", x, attributes);
}

}  // namespace brisk
