#include "brisk/passes/batch_norm/fuse_projections.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/move/move.h"
#include "brisk/passes/batch_norm/copy_walk.h"
#include "brisk/passes/takes_composite.h"

// scale_shift(skip, scale, shift, residual) whose residual is channel_shift of a 1x1 convolution
// that nothing else reads: what batch_norm_through_pointwise and fuse_batch_norm leave of a
// block's last convolution and of its projection.

namespace brisk {
namespace {

class ProjectionFuser {
 public:
  ProjectionFuser(const Graph& graph, const LoweringTarget& target)
      : graph_(graph), target_(target), uses_(graph) {}

  Graph run() {
    return rewrite(
        graph_,
        [this](Builder& builder, const Node& node, NodeId, std::span<const Value> operands) {
          return node.op->name == "scale_shift" ? join(builder, node, operands) : std::nullopt;
        },
        false);
  }

 private:
  using Replacement = std::optional<std::vector<Value>>;
  using Place = CopyWalk::Place;

  Replacement join(Builder& builder, const Node& node, std::span<const Value> operands) const {
    const auto& form = node.attributes.as<ScaleShiftAttributes>();
    if (!form.residual) return std::nullopt;
    const CopyWalk walk(builder, graph_, uses_);
    const Place shifted{operands[3].id, node.operands[3]};
    if (!walk.is(shifted, "channel_shift") || !walk.is_private(shifted)) return std::nullopt;
    const Place product = walk.in(shifted, 0);
    if (!walk.is(product, "convolution") || !walk.is_private(product)) return std::nullopt;
    const Value x = walk.value(walk.in(product, 0)), filter = walk.value(walk.in(product, 1));
    const Shape sizes = filter.shape();
    if (!is_pointwise(walk.producer(product).attributes.as<ConvolutionAttributes>(), sizes))
      return std::nullopt;
    const int64_t channels = sizes.size(sizes.rank() - 2), filters = sizes.size(sizes.rank() - 1);
    const Value matrix = transpose(reshape(filter, Shape{channels, filters}), {1, 0});
    const Value joined = pointwise_join(x, matrix, walk.value(walk.in(shifted, 1)),
                                        {operands[0], operands[1], operands[2]}, form.activation);
    if (!takes_composite(target_, joined)) return std::nullopt;
    return std::vector<Value>{joined};
  }

  const Graph& graph_;
  const LoweringTarget& target_;
  const UseCounts uses_;
};

Graph with_joined_projections(const Graph& graph, const LoweringTarget& target) {
  const Graph inside = map_regions(
      graph, [&](const Graph& region) { return with_joined_projections(region, target); });
  return ProjectionFuser(inside, target).run();
}

}  // namespace

Program fuse_projections(Program program, const PassContext& context) {
  if (context.target.native_composites.contains("pointwise_join"))
    program.graph = with_joined_projections(program.graph, context.target);
  return program;
}

}  // namespace brisk
