#include "brisk/passes/fuse_pairs.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/pointwise_pair.h"
#include "brisk/ops/move/move.h"
#include "brisk/passes/batch_norm/copy_walk.h"
#include "brisk/passes/takes_composite.h"

// fused_convolution(x, filter, [bias], residual) whose residual is fused_convolution(x, filter,
// [bias]): what fuse_epilogues leaves where a residual block with a projection ends.

namespace brisk {
namespace {

class PairFuser {
 public:
  PairFuser(const Graph& graph, const LoweringTarget& target)
      : graph_(graph), target_(target), uses_(graph) {}

  Graph run() {
    return rewrite(
        graph_,
        [this](Builder& builder, const Node& node, NodeId, std::span<const Value> operands) {
          return node.op->name == "fused_convolution" ? pair(builder, node, operands)
                                                      : std::nullopt;
        },
        false);
  }

 private:
  using Replacement = std::optional<std::vector<Value>>;
  using Place = CopyWalk::Place;

  Replacement pair(Builder& builder, const Node& node, std::span<const Value> operands) const {
    const auto& form = node.attributes.as<FusedConvolutionAttributes>();
    if (!form.residual || !is_pointwise(form.convolution, operands[1].shape())) return std::nullopt;
    const CopyWalk walk(builder, graph_, uses_);
    const Place residual{operands.back().id, node.operands.back()};
    if (!walk.is(residual, "fused_convolution") || !walk.is_private(residual)) return std::nullopt;
    const auto& other = walk.producer(residual).attributes.as<FusedConvolutionAttributes>();
    const Value filter = walk.value(walk.in(residual, 1));
    if (other.residual || other.activation != Activation::none ||
        !is_pointwise_with_strides(other.convolution, filter.shape()))
      return std::nullopt;
    PointwisePairAttributes attributes{form.activation};
    if (!is_pointwise(other.convolution, filter.shape()))
      attributes.strides = other.convolution.strides;
    const Type vector(compute_type(operands[0].dtype()),
                      {filter.shape()[filter.shape().rank() - 1]});
    std::optional<Value> bias;
    const auto add = [&](Value more) {
      more = cast(more, vector.dtype());
      bias = bias ? *bias + more : more;
    };
    if (form.bias) add(operands[2]);
    if (other.bias) add(walk.value(walk.in(residual, 2)));
    if (!bias) bias = zeros(builder, vector);
    const PointwiseTerm first{operands[0], as_matrix(operands[1])};
    const PointwiseTerm second{walk.value(walk.in(residual, 0)), as_matrix(filter)};
    const Value joined = pointwise_pair(first, second, *bias, std::move(attributes));
    if (!takes_composite(target_, joined)) return std::nullopt;
    return std::vector<Value>{joined};
  }

  /// [filters, channels].
  static Value as_matrix(const Value& filter) {
    const Shape& sizes = filter.shape();
    const int64_t channels = sizes.size(sizes.rank() - 2), filters = sizes.size(sizes.rank() - 1);
    return transpose(reshape(filter, Shape{channels, filters}), {1, 0});
  }

  const Graph& graph_;
  const LoweringTarget& target_;
  const UseCounts uses_;
};

Graph with_pairs(const Graph& graph, const LoweringTarget& target) {
  const Graph inside =
      map_regions(graph, [&](const Graph& region) { return with_pairs(region, target); });
  return PairFuser(inside, target).run();
}

}  // namespace

Program fuse_pairs(Program program, const PassContext& context) {
  if (context.target.native_composites.contains("pointwise_pair"))
    program.graph = with_pairs(program.graph, context.target);
  return program;
}

}  // namespace brisk
