#include "brisk/base/error.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/fused_ops.h"
#include "brisk/ops/move/move.h"

// Where a residual block ends, the gradients of its two readers meet: the next block's first
// convolution and the skip beside it. All is computed in the compute type, and dz is rounded once.
// Behind a projection with strides most of the skip's gradient is zero: it may come without these.

namespace brisk {
namespace {

constexpr std::string_view kName = "input_gradient_join";

/// Places from one of the skip to the next, by spatial axis; nothing where it does not fit.
std::optional<std::vector<int64_t>> skip_steps(const Type& skip, const Type& image) {
  if (skip.dtype() != image.dtype() || skip.rank() != image.rank()) return std::nullopt;
  std::vector<int64_t> steps;
  for (int64_t axis = 0; axis < image.rank(); ++axis) {
    const int64_t all = image.shape().size(axis), own = skip.shape().size(axis);
    const bool is_spatial = axis > 0 && axis + 1 < image.rank();
    if (is_spatial ? own == 0 || all % own != 0 : own != all) return std::nullopt;
    if (is_spatial) steps.push_back(all / own);
  }
  return steps;
}

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<ConvolutionGradientAttributes>();
  const Type &dy = context.operands[0], &filter = context.operands[1];
  const Type expected(convolution_dtype(kName, dy, filter), attributes.shape);
  require(is_floating(expected.dtype()), "[{}] takes floating types, not {}", kName,
          name(expected.dtype()));
  require(context.operands[3] == expected, "[{}] the result must be {}, but is {}", kName,
          expected.to_string(), context.operands[3].to_string());
  require(skip_steps(context.operands[2], expected).has_value(),
          "[{}] the skip must be {}, or have extents that divide its spatial ones, but is {}",
          kName, expected.to_string(), context.operands[2].to_string());
  const bool has_factor = context.operands.size() > 4;
  if (has_factor)
    require(context.operands[4] == expected, "[{}] the factor must be {}, but is {}", kName,
            expected.to_string(), context.operands[4].to_string());
  const Shape result =
      convolution_shape(kName, attributes.shape, filter.shape(), attributes.convolution);
  require(dy.shape() == result, "[{}] the result gradient must have the shape {}, but has {}",
          kName, result.to_string(), dy.shape().to_string());
  std::vector<Type> results(has_factor ? 3 : 2, channel_vector(expected));
  results[0] = expected;
  return results;
}

/// The skip with zeros between its places.
Value spread(const Value& skip, const Type& image) {
  if (skip.type() == image) return skip;
  const std::vector<int64_t> steps = skip_steps(skip.type(), image).value();
  std::vector<int64_t> low(static_cast<size_t>(image.rank()), 0), high = low, between = low;
  for (size_t i = 0; i < steps.size(); ++i) high[i + 1] = between[i + 1] = steps[i] - 1;
  return pad(skip, skip.builder->scalar(skip.dtype(), 0), low, high, between);
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<ConvolutionGradientAttributes>();
  const Value &result = context.in(3), skip = spread(context.in(2), result.type());
  const DType wide = compute_type(skip.dtype());
  const Value both =
      convolution_input_gradient(cast(context.in(0), wide), cast(context.in(1), wide),
                                 attributes.shape, attributes.convolution) +
      cast(skip, wide);
  const Value open = greater(result, zeros(context.builder, result.type()));
  const Value dz = select(open, both, zeros(context.builder, both.type()));
  std::vector<Value> results = {cast(dz, skip.dtype()), channel_sum(dz)};
  if (context.operands.size() > 4) results.push_back(channel_sum(dz * cast(context.in(4), wide)));
  return results;
}

}  // namespace

Op input_gradient_join_op() {
  return Op{.name = std::string(kName), .kind = OpKind::composite}
      .doc(
          "A convolution's input gradient plus another where a ReLU's result is positive, else 0; "
          "and its sums per channel, beside them those of its products with a factor. The other "
          "may be given at every so many-th place alone, zeros between.")
      .operands(4, 5)
      .attributes<ConvolutionGradientAttributes>()
      .infer(infer)
      .decompose(decompose)
      .not_smooth();
}

GradientJoin input_gradient_join(Value result_gradient, Value filter, Value skip, Value result,
                                 ConvolutionGradientAttributes attributes,
                                 std::optional<Value> factor) {
  std::vector<Value> operands = {result_gradient, filter, skip, result};
  if (factor) operands.push_back(*factor);
  const std::vector<Value> results =
      result_gradient.builder->emit(kName, operands, std::move(attributes));
  return {results[0], results[1], factor ? results[2] : Value{}};
}

}  // namespace brisk
