#include "brisk/passes/fuse_input_gradients.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/passes/use_counts.h"

namespace brisk {
namespace {

Graph fuse(const Graph& graph) {
  const Graph inside = map_regions(graph, fuse);
  const UseCounts uses(inside);
  return rewrite(
      inside,
      [&](Builder& builder, const Node& node, NodeId,
          std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (node.op->name != "scale_shift_relu_gradient" || !uses.is_private(node.operands[0]))
          return std::nullopt;
        const Node& producer = builder.node(operands[0].id.node);
        if (producer.op->name != "convolution_input_gradient") return std::nullopt;
        const Value dy{&builder, producer.operands[0]}, filter{&builder, producer.operands[1]};
        const auto attributes = producer.attributes.as<ConvolutionGradientAttributes>();
        const ScaleShiftGradient at = input_gradient_scale_shift(
            dy, filter, operands[1], operands[2], operands[3], attributes);
        return std::vector<Value>{at.dz, at.sum_x, at.sum};
      },
      false);
}

}  // namespace

Program fuse_input_gradients(Program program, const PassContext& context) {
  if (context.target.native_composites.contains("input_gradient_scale_shift"))
    program.graph = fuse(program.graph);
  return program;
}

}  // namespace brisk
