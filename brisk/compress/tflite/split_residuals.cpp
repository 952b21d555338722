#include "brisk/compress/tflite/split_residuals.h"

#include "brisk/compress/quantize_plan.h"
#include "brisk/ir/rewrite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/activation.h"

namespace brisk {

Model split_residuals(const Model& folded) {
  Model model = folded;
  model.program.graph = rewrite(
      folded.program.graph,
      [](Builder&, const Node& node, NodeId,
         std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (node.op->name != "fused_convolution") return std::nullopt;
        const auto& whole = node.attributes.as<FusedConvolutionAttributes>();
        if (!whole.residual) return std::nullopt;
        const Node alone = product_alone(node);
        const Value product = fused_convolution(operands.first(operands.size() - 1),
                                                alone.attributes.as<FusedConvolutionAttributes>());
        return std::vector<Value>{activate(product + operands.back(), whole.activation)};
      });
  return model;
}

}  // namespace brisk
