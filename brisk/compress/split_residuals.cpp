#include "brisk/compress/split_residuals.h"

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
        auto attributes = node.attributes.as<FusedConvolutionAttributes>();
        if (!attributes.residual) return std::nullopt;
        const Activation activation = attributes.activation;
        attributes.residual = false;
        attributes.activation = Activation::none;
        const Value product = fused_convolution(operands.first(operands.size() - 1), attributes);
        return std::vector<Value>{activate(product + operands.back(), activation)};
      });
  return model;
}

}  // namespace brisk
