#include "brisk/passes/batch_norm/fuse_batch_norm.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/passes/batch_norm/batch_norm_parts.h"
#include "brisk/passes/use_counts.h"

// Two rewrites in order, since each counts readers in the graph that it reads: the first replaces
// convolution + batch norm, the second absorbs residual and ReLU.

namespace brisk {
namespace {

using Replacement = std::optional<std::vector<Value>>;

class StatisticsTaker {
 public:
  StatisticsTaker(const Graph& graph, const LoweringTarget& target)
      : uses_(graph), target_(target) {}

  Replacement operator()(Builder& builder, const Node& node,
                         std::span<const Value> operands) const {
    if (node.op->name != "batch_norm" || !uses_.is_private(node.operands[0])) return std::nullopt;
    const auto& attributes = node.attributes.as<BatchNormAttributes>();
    const Node& producer = builder.node(operands[0].id.node);
    if (!attributes.training || producer.op->name != "convolution" ||
        !target_.batch_norm_parts.contains(operands[0].dtype()))
      return std::nullopt;
    const Value input{&builder, producer.operands[0]}, filter{&builder, producer.operands[1]};
    const auto geometry = producer.attributes.as<ConvolutionAttributes>();
    const auto [y, sum, square_sum] = convolution_statistics(input, filter, geometry);
    const std::vector<int64_t> sizes = y.shape().sizes();
    const auto count = static_cast<double>(y.shape().num_elements() / sizes.back());
    const Value mean = sum * (1 / count);
    // Rounding may leave it below zero.
    const Value variance = relu(square_sum * (1 / count) - square(mean));
    const BatchNormParts parts = batch_norm_parts(operands, attributes, mean, variance);
    return std::vector<Value>{scale_shift(y, parts.scale, parts.shift), parts.moving_mean,
                              parts.moving_variance};
  }

 private:
  UseCounts uses_;
  const LoweringTarget& target_;
};

class ActivationAbsorber {
 public:
  explicit ActivationAbsorber(const Graph& graph) : graph_(graph), uses_(graph) {}

  Replacement operator()(Builder& builder, const Node& node,
                         std::span<const Value> operands) const {
    if (node.op->name != "relu" || !uses_.is_private(node.operands[0])) return std::nullopt;
    if (const auto parts = linear_scale_shift(builder, operands[0]))
      return std::vector<Value>{
          scale_shift((*parts)[0], (*parts)[1], (*parts)[2], Activation::relu)};
    // relu(a + b) with one of the two scaled and shifted.
    const Node& sum = graph_.nodes()[static_cast<size_t>(node.operands[0].node)];
    if (sum.op->name != "add") return std::nullopt;
    const Node& mapped = builder.node(operands[0].id.node);
    for (const size_t side : {0u, 1u}) {
      if (!uses_.is_private(sum.operands[side])) continue;
      const auto parts = linear_scale_shift(builder, {&builder, mapped.operands[side]});
      if (!parts) continue;
      return std::vector<Value>{scale_shift_residual((*parts)[0], (*parts)[1], (*parts)[2],
                                                     {&builder, mapped.operands[1 - side]},
                                                     Activation::relu)};
    }
    return std::nullopt;
  }

 private:
  /// Operands of a scale_shift without an epilogue.
  static std::optional<std::vector<Value>> linear_scale_shift(Builder& builder, Value value) {
    const Node& node = builder.node(value.id.node);
    if (node.op->name != "scale_shift") return std::nullopt;
    const auto& attributes = node.attributes.as<ScaleShiftAttributes>();
    if (attributes.residual || attributes.activation != Activation::none) return std::nullopt;
    std::vector<Value> operands;
    for (const ValueId& operand : node.operands) operands.push_back({&builder, operand});
    return operands;
  }

  const Graph& graph_;
  UseCounts uses_;
};

template <typename Rewriter>
Graph apply(const Graph& graph, const Rewriter& rewriter) {
  return rewrite(
      graph,
      [&](Builder& builder, const Node& node, NodeId, std::span<const Value> operands) {
        return rewriter(builder, node, operands);
      },
      false);
}

}  // namespace

Program fuse_batch_norm(Program program, const PassContext& context) {
  if (context.target.batch_norm_parts.empty()) return program;
  program.graph = apply(program.graph, StatisticsTaker(program.graph, context.target));
  program.graph = apply(program.graph, ActivationAbsorber(program.graph));
  return program;
}

}  // namespace brisk
