#include "brisk/passes/batch_norm/batch_norm_through_pointwise.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/move/move.h"
#include "brisk/passes/batch_norm/batch_norm_parts.h"
#include "brisk/passes/use_counts.h"

// With a [M, C] and W [C, K] (brisk's filters; K > C): mu = mean(a), S = a^T a / M - mu mu^T, and
//
//   mean(y) = mu W,   var(y) = column sums of W * (S W),   result = a (W scale) + shift.
//
// The gradient is that of this graph, by the ordinary rules: the filter's is one plain filter
// gradient and products of C x C and C x K, the input's one more product of a with a C x C matrix.
// Cost: a^T a, a quarter of the convolution when K = 4 C, and the same in the gradient; it saves
// writing y and reading it again four times. Moments are f32 (of the compute type), from the
// filter before it was rounded to the short type where that is at hand.

namespace brisk {
namespace {

struct Moments {
  Value mean, variance;
};

/// Of a W: `rows` is M, `filter` [C, K].
Moments moments_of_product(Value a, Value filter, double rows) {
  const int64_t channels = filter.shape().sizes()[0], filters = filter.shape().sizes()[1];
  const Value mu = channel_sum(cast(a, filter.dtype())) * (1 / rows);
  const Value column = reshape(mu, Shape{channels, 1}), row = reshape(mu, Shape{1, channels});
  const Value covariance = gram_matrix(a) * (1 / rows) - column * row;
  const Value variance = reduce_sum(matmul(covariance, filter) * filter, {0});
  return {reshape(matmul(row, filter), Shape{filters}), relu(variance)};
}

}  // namespace

Program batch_norm_through_pointwise(Program program, const PassContext& context) {
  const auto& types = context.target.batch_norm_through_pointwise;
  if (types.empty()) return program;
  const UseCounts uses(program.graph);
  const auto rewriter = [&](Builder& builder, const Node& node, NodeId,
                            std::span<const Value> operands) -> std::optional<std::vector<Value>> {
    if (node.op->name != "batch_norm" || !uses.is_private(node.operands[0])) return std::nullopt;
    const auto& attributes = node.attributes.as<BatchNormAttributes>();
    const Node& producer = builder.node(operands[0].id.node);
    if (!attributes.training || producer.op->name != "convolution" ||
        !types.contains(operands[0].dtype()))
      return std::nullopt;
    const Value a{&builder, producer.operands[0]}, filter{&builder, producer.operands[1]};
    const auto geometry = producer.attributes.as<ConvolutionAttributes>();
    const std::vector<int64_t> sizes = filter.shape().sizes();
    const int64_t channels = sizes[sizes.size() - 2], filters = sizes.back();
    const int64_t places = a.shape().num_elements() / channels;
    if (!is_pointwise(geometry, filter.shape()) || filters <= channels ||
        places < filters * context.target.places_through_pointwise)
      return std::nullopt;

    const DType wide = compute_type(a.dtype());
    const Value matrix = reshape(unrounded(filter, wide), Shape{channels, filters});
    const Moments moments = moments_of_product(a, matrix, static_cast<double>(places));
    const BatchNormParts parts =
        batch_norm_parts(operands, attributes, moments.mean, moments.variance);
    const Value scaled = cast(reshape(matrix * parts.scale, filter.shape()), a.dtype());
    const Value y = convolution(a, scaled, geometry);
    return std::vector<Value>{channel_shift(y, parts.shift), parts.moving_mean,
                              parts.moving_variance};
  };
  program.graph = rewrite(program.graph, rewriter, false);
  return program;
}

}  // namespace brisk
