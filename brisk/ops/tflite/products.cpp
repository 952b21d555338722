#include <algorithm>
#include <functional>
#include <span>

#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/tflite/fixed_point.h"
#include "brisk/ops/tflite/tflite_ops.h"

// The zero point is taken off before the products are summed, so that padding is 0 and adds
// nothing.
//
// Sums of 16-bit activations need more than 32 bits: they are summed in two halves, of their upper
// and their lower 8 bits (both with a sign), each of which fits, and put together in 64.

namespace brisk {
namespace {

/// The type of a product with a result of `shape`, each of it a sum of `terms` products; refuses
/// operands that do not fit.
std::vector<Type> product_types(const InferContext& context, const Shape& shape,
                                std::span<const Extent> terms, int64_t input_zero_point,
                                const TfliteOutputAttributes& output) {
  const std::string& op = context.op.name;
  const DType type = context.operands[0].dtype();
  require((type == DType::i8 || type == DType::i16) && context.operands[1].dtype() == DType::i8,
          "[{}] multiplies i8 or i16 with i8, not {} with {}", op, name(type),
          name(context.operands[1].dtype()));
  const bool is_short = type == DType::i16;
  for (const auto& [i, wanted] :
       {std::pair(size_t{2}, is_short ? DType::i64 : DType::i32), {3, DType::f64}}) {
    const Type expected(wanted, {shape[shape.rank() - 1]});
    require(context.operands[i] == expected, "[{}] the {} must be {}, but is {}", op,
            i == 2 ? "bias" : "factor", expected.to_string(), context.operands[i].to_string());
  }
  int64_t count = 1;
  for (const Extent& extent : terms)
    count = extent.is_named() ? count : std::min(count * extent.size(), kTfliteMostTerms + 1);
  require(!is_short || count <= kTfliteMostTerms,
          "[{}] sums of more than {} products of i16 are not taken", op, kTfliteMostTerms);
  require_zero_point(context, "input", type, input_zero_point);
  require_output(context, type, output);
  return {Type(type, shape)};
}

/// Sums of products with x without its zero point, and the bias: i32 of i8, i64 of i16.
Value biased_sums(const DecomposeContext& context, int64_t input_zero_point,
                  const std::function<Value(Value x, Value weights)>& sums) {
  const Value x = centred(context.in(0), input_zero_point),
              weights = cast(context.in(1), DType::i32), bias = context.in(2);
  if (context.in(0).dtype() == DType::i8) return sums(x, weights) + bias;
  const Value eight = context.builder.scalar(DType::i32, 8);
  const Value upper = shift_right(x + 128.0, eight), lower = x - shift_left(upper, eight);
  return cast(sums(upper, weights), DType::i64) * 256.0 + cast(sums(lower, weights), DType::i64) +
         bias;
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
          "convolution(input - zero point, filter) + bias of integers of 8 or 16 bits with filters "
          "of 8, scaled in fixed point by a factor for each filter, in TFLite's arithmetic.")
      .operands(4)
      .attributes<TfliteConvolutionAttributes>()
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<TfliteConvolutionAttributes>();
        const Shape shape = convolution_shape("tflite_convolution", context.tensor(0).shape,
                                              context.tensor(1).shape, attributes.convolution);
        const std::vector<Extent>& filter = context.tensor(1).shape.extents();
        return product_types(context, shape, std::span(filter).first(filter.size() - 1),
                             attributes.input_zero_point, attributes.output);
      })
      .decompose([](const DecomposeContext& context) -> std::vector<Value> {
        const auto& attributes = context.as<TfliteConvolutionAttributes>();
        const Value sums =
            biased_sums(context, attributes.input_zero_point, [&](Value x, Value weights) {
              return convolution(x, weights, attributes.convolution);
            });
        const FixedPointFactors factors = fixed_point_factors(context.in(3));
        const DType type = context.in(0).dtype();
        return {stored(type == DType::i8 ? scaled(sums, factors) : scaled_wide(sums, factors),
                       attributes.output, type)};
      })
      .not_differentiable();
}

Op tflite_dot_op() {
  return Op{.name = "tflite_dot", .kind = OpKind::composite}
      .doc(
          "(lhs - zero point) x rhs + bias of matrices [..., m, k] of integers of 8 or 16 bits and "
          "[k, n] of 8, scaled in f64 by a factor for each column, in TFLite's arithmetic.")
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
        return product_types(context, shape, std::span(rhs.extents()).first(1),
                             attributes.input_zero_point, attributes.output);
      })
      .decompose([](const DecomposeContext& context) -> std::vector<Value> {
        const auto& attributes = context.as<TfliteDotAttributes>();
        const Value sums = biased_sums(context, attributes.input_zero_point,
                                       [](Value x, Value weights) { return matmul(x, weights); });
        const Value y = cast(sums, DType::f64) * context.in(3);
        // Within i32 with room for the zero point.
        const Value whole = cast(clamp(rounded_away(y), -0x1p30, 0x1p30), DType::i32);
        return {stored(whole, attributes.output, context.in(0).dtype())};
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
