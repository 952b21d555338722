#include "brisk/passes/batch_norm/fuse_pools.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/passes/use_counts.h"

namespace brisk {
namespace {

Graph with_fused_pools(const Graph& graph) {
  const Graph inside = map_regions(graph, with_fused_pools);
  const UseCounts uses(inside);
  return rewrite(
      inside,
      [&](Builder& builder, const Node& node, NodeId,
          std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (node.op->name != "max_pool" || !uses.is_private(node.operands[0])) return std::nullopt;
        const Node& producer = builder.node(operands[0].id.node);
        if (producer.op->name != "scale_shift") return std::nullopt;
        const auto& form = producer.attributes.as<ScaleShiftAttributes>();
        if (form.residual || form.activation != Activation::relu) return std::nullopt;
        const std::vector<ValueId> in = producer.operands;
        const MaxPool pool =
            scale_shift_max_pool({&builder, in[0]}, {&builder, in[1]}, {&builder, in[2]},
                                 node.attributes.as<WindowAttributes>());
        return std::vector<Value>{pool.values, pool.positions};
      },
      false);
}

}  // namespace

Program fuse_pools(Program program, const PassContext& context) {
  if (context.target.native_composites.contains("scale_shift_max_pool"))
    program.graph = with_fused_pools(program.graph);
  return program;
}

}  // namespace brisk
