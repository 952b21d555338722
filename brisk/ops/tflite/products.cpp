#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/tflite/fixed_point.h"
#include "brisk/ops/tflite/tflite_ops.h"

// The zero point is taken off before the products are summed, so that padding is 0 and adds
// nothing.

namespace brisk {
namespace {

/// The type of a product with a result of `shape`; refuses operands that do not fit.
std::vector<Type> product_types(const InferContext& context, const Shape& shape,
                                int64_t input_zero_point, const TfliteOutputAttributes& output) {
  const std::string& op = context.op.name;
  require(context.operands[0].dtype() == DType::i8 && context.operands[1].dtype() == DType::i8,
          "[{}] multiplies i8 with i8, not {} with {}", op, name(context.operands[0].dtype()),
          name(context.operands[1].dtype()));
  for (const auto& [i, type] : {std::pair(size_t{2}, DType::i32), {3, DType::f64}}) {
    const Type expected(type, {shape[shape.rank() - 1]});
    require(context.operands[i] == expected, "[{}] the {} must be {}, but is {}", op,
            i == 2 ? "bias" : "factor", expected.to_string(), context.operands[i].to_string());
  }
  require_zero_point(context, "input", DType::i8, input_zero_point);
  require_output(context, DType::i8, output);
  return {Type(DType::i8, shape)};
}

/// To the nearest whole number, halfway cases away from zero.
Value rounded_away(Value x) {
  const auto number = [&x](double value) { return x.builder->scalar(x.dtype(), value); };
  const Value even = round(x), rest = x - even;
  const Value up = logical_and(equal(rest, number(0.5)), greater(x, number(0)));
  const Value down = logical_and(equal(rest, number(-0.5)), less(x, number(0)));
  return even + cast(up, x.dtype()) - cast(down, x.dtype());
}

}  // namespace

Op tflite_convolution_op() {
  return Op{.name = "tflite_convolution", .kind = OpKind::composite}
      .doc(
          "convolution(input - zero point, filter) + bias of 8-bit integers, scaled in fixed point "
          "by a factor for each filter, as i8 in TFLite's arithmetic.")
      .operands(4)
      .attributes<TfliteConvolutionAttributes>()
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<TfliteConvolutionAttributes>();
        const Shape shape = convolution_shape("tflite_convolution", context.tensor(0).shape,
                                              context.tensor(1).shape, attributes.convolution);
        return product_types(context, shape, attributes.input_zero_point, attributes.output);
      })
      .decompose([](const DecomposeContext& context) -> std::vector<Value> {
        const auto& attributes = context.as<TfliteConvolutionAttributes>();
        const Value sums = convolution(centred(context.in(0), attributes.input_zero_point),
                                       cast(context.in(1), DType::i32), attributes.convolution);
        return {stored(scaled(sums + context.in(2), fixed_point_factors(context.in(3))),
                       attributes.output, DType::i8)};
      })
      .not_differentiable();
}

Op tflite_dot_op() {
  return Op{.name = "tflite_dot", .kind = OpKind::composite}
      .doc(
          "(lhs - zero point) x rhs + bias of matrices [..., m, k] and [k, n] of 8-bit integers, "
          "scaled in f64 by a factor for each column, as i8 in TFLite's arithmetic.")
      .operands(4)
      .attributes<TfliteDotAttributes>()
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<TfliteDotAttributes>();
        const Shape &lhs = context.tensor(0).shape, &rhs = context.tensor(1).shape;
        require(lhs.rank() >= 2 && rhs.rank() == 2 && lhs[lhs.rank() - 1] == rhs[0],
                "[tflite_dot] multiplies [..., m, k] with [k, n], not {} with {}", lhs.to_string(),
                rhs.to_string());
        Shape shape = lhs;
        shape[lhs.rank() - 1] = rhs[1];
        return product_types(context, shape, attributes.input_zero_point, attributes.output);
      })
      .decompose([](const DecomposeContext& context) -> std::vector<Value> {
        const auto& attributes = context.as<TfliteDotAttributes>();
        const Value sums = matmul(centred(context.in(0), attributes.input_zero_point),
                                  cast(context.in(1), DType::i32));
        const Value y = cast(sums + context.in(2), DType::f64) * context.in(3);
        // Within i32 with room for the zero point.
        const Value whole = cast(clamp(rounded_away(y), -0x1p30, 0x1p30), DType::i32);
        return {stored(whole, attributes.output, DType::i8)};
      })
      .not_differentiable();
}

Value tflite_convolution(std::span<const Value> operands,
                         const TfliteConvolutionAttributes& attributes) {
  require(!operands.empty(), "[tflite_convolution] has no operands");
  return operands[0].builder->emit_one("tflite_convolution", operands, attributes);
}

Value tflite_dot(std::span<const Value> operands, const TfliteDotAttributes& attributes) {
  require(!operands.empty(), "[tflite_dot] has no operands");
  return operands[0].builder->emit_one("tflite_dot", operands, attributes);
}

}  // namespace brisk
