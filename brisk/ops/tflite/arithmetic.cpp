#include <algorithm>

#include "brisk/base/error.h"
#include "brisk/ops/elementwise/broadcasting.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/tflite/fixed_point.h"
#include "brisk/ops/tflite/tflite_ops.h"

// Factors of scales are computed in the precision that TFLite's kernels compute them in: those of a
// sum in f64, that of a product in f32.

namespace brisk {
namespace {

std::vector<Type> infer_binary(const InferContext& context) {
  const auto& attributes = context.as<TfliteBinaryAttributes>();
  require_stored(context, 0, true);
  check_equal_types(context, 0, 1);
  const DType type = context.tensor(0).dtype;
  require_scale(context, "lhs", attributes.lhs_scale);
  require_scale(context, "rhs", attributes.rhs_scale);
  require_zero_point(context, "lhs", type, attributes.lhs_zero_point);
  require_zero_point(context, "rhs", type, attributes.rhs_zero_point);
  require_output(context, type, attributes.output);
  return {context.operands[0]};
}

/// Bits that sums are finer than twice the greater scale.
int sum_bits(DType type) {
  return type == DType::i16 ? 15 : 20;
}

/// Twice the greater scale.
double sum_scale(const TfliteBinaryAttributes& attributes) {
  return 2.0 * std::max(static_cast<float>(attributes.lhs_scale),
                        static_cast<float>(attributes.rhs_scale));
}

double sum_to_output(const TfliteBinaryAttributes& attributes, DType type) {
  const double finer = static_cast<double>(int64_t{1} << sum_bits(type));
  return sum_scale(attributes) / (finer * static_cast<float>(attributes.output.output_scale));
}

std::vector<Value> decompose_add(const DecomposeContext& context) {
  const auto& attributes = context.as<TfliteBinaryAttributes>();
  const DType type = context.in(0).dtype();
  const auto term = [&](const Value& x, double scale, int64_t zero_point) {
    const Value centre = centred(x, zero_point);
    const Value finer =
        shift_left(centre, context.builder.scalar(DType::i32, static_cast<double>(sum_bits(type))));
    return scaled(finer, fixed_point_factor(static_cast<float>(scale) / sum_scale(attributes)));
  };
  const Value sum = term(context.in(0), attributes.lhs_scale, attributes.lhs_zero_point) +
                    term(context.in(1), attributes.rhs_scale, attributes.rhs_zero_point);
  const FixedPointFactor factor = fixed_point_factor(sum_to_output(attributes, type));
  return {stored(scaled(sum, factor), attributes.output, type)};
}

float product_factor(const TfliteBinaryAttributes& attributes) {
  return static_cast<float>(attributes.lhs_scale) * static_cast<float>(attributes.rhs_scale) /
         static_cast<float>(attributes.output.output_scale);
}

std::vector<Value> decompose_multiply(const DecomposeContext& context) {
  const auto& attributes = context.as<TfliteBinaryAttributes>();
  const Value product = centred(context.in(0), attributes.lhs_zero_point) *
                        centred(context.in(1), attributes.rhs_zero_point);
  return {stored(scaled(product, fixed_point_factor(product_factor(attributes))), attributes.output,
                 context.in(0).dtype())};
}

Op binary_op(std::string op_name, std::string doc) {
  return Op{.name = std::move(op_name), .kind = OpKind::composite}
      .doc(std::move(doc))
      .operands(2)
      .attributes<TfliteBinaryAttributes>()
      .infer(infer_binary)
      .not_differentiable();
}

}  // namespace

Op tflite_add_op() {
  return binary_op("tflite_add",
                   "The sum of integers of two scales, as integers of a third, in TFLite's "
                   "arithmetic.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        std::vector<Type> types = infer_binary(context);
        const auto& attributes = context.as<TfliteBinaryAttributes>();
        require(sum_to_output(attributes, context.tensor(0).dtype) < 1,
                "[tflite_add] the output scale {} is too fine for operands with the scales {} and "
                "{}",
                attributes.output.output_scale, attributes.lhs_scale, attributes.rhs_scale);
        return types;
      })
      .decompose(decompose_add);
}

Op tflite_multiply_op() {
  return binary_op("tflite_multiply",
                   "The product of integers of two scales, as integers of a third, in TFLite's "
                   "arithmetic.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<TfliteBinaryAttributes>();
        std::vector<Type> types = infer_binary(context);
        require_factor(context, product_factor(attributes));
        return types;
      })
      .decompose(decompose_multiply);
}

namespace {

Value emit_binary(std::string_view op, Value lhs, Value rhs,
                  const TfliteBinaryAttributes& attributes) {
  require(lhs.defined() && rhs.defined(), "[{}] an operand is not defined", op);
  return lhs.builder->emit_one(op, broadcast_together(op, {lhs, rhs}), attributes);
}

}  // namespace

Value tflite_add(Value lhs, Value rhs, const TfliteBinaryAttributes& attributes) {
  return emit_binary("tflite_add", lhs, rhs, attributes);
}

Value tflite_multiply(Value lhs, Value rhs, const TfliteBinaryAttributes& attributes) {
  return emit_binary("tflite_multiply", lhs, rhs, attributes);
}

}  // namespace brisk
