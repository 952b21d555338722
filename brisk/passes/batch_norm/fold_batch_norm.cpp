#include "brisk/passes/batch_norm/fold_batch_norm.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/passes/batch_norm/batch_norm_parts.h"
#include "brisk/passes/use_counts.h"

namespace brisk {
namespace {

Graph fold(const Graph& graph) {
  const Graph inside = map_regions(graph, fold);
  const UseCounts uses(inside);
  return rewrite(
      inside,
      [&](Builder& builder, const Node& node, NodeId,
          std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (node.op->name != "batch_norm" || !uses.is_private(node.operands[0]))
          return std::nullopt;
        const auto& attributes = node.attributes.as<BatchNormAttributes>();
        const Node& producer = builder.node(operands[0].id.node);
        if (attributes.training || producer.op->name != "convolution") return std::nullopt;
        const Value x{&builder, producer.operands[0]}, filter{&builder, producer.operands[1]};
        const auto geometry = producer.attributes.as<ConvolutionAttributes>();
        const Value &mean = operands[3], &variance = operands[4];
        const DType wide = mean.dtype();
        const Value scale = cast(operands[1], wide) * rsqrt(variance + attributes.epsilon);
        const Value shift = cast(operands[2], wide) - mean * scale;
        const Value scaled = cast(unrounded(filter, wide) * scale, filter.dtype());
        const Value y = convolution(x, scaled, geometry);
        return std::vector<Value>{y + cast(shift, y.dtype()), mean, variance};
      },
      false);
}

}  // namespace

Program fold_batch_norm(Program program, const PassContext& context) {
  if (context.target.folds_batch_norm) program.graph = fold(program.graph);
  return program;
}

}  // namespace brisk
