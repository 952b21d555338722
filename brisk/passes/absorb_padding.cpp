#include "brisk/passes/absorb_padding.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/passes/zero_padding.h"

namespace brisk {
namespace {

Graph absorb(const Graph& graph) {
  return rewrite(graph,
                 [](Builder& builder, const Node& node, NodeId,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (node.op->name != "convolution") return std::nullopt;
                   const Node& producer = builder.node(operands[0].id.node);
                   const std::optional<PadAttributes> pad = zero_padding(builder, producer);
                   if (!pad) return std::nullopt;
                   auto geometry = node.attributes.as<ConvolutionAttributes>();
                   for (size_t axis = 0; axis < geometry.strides.size(); ++axis) {
                     // A convolution that crops takes back what was padded; the sum is the same.
                     geometry.pad_low[axis] += pad->low[axis + 1];
                     geometry.pad_high[axis] += pad->high[axis + 1];
                   }
                   return std::vector<Value>{
                       convolution({&builder, producer.operands[0]}, operands[1], geometry)};
                 });
}

}  // namespace

Program absorb_padding(Program program, const PassContext&) {
  program.graph = absorb(program.graph);
  return program;
}

}  // namespace brisk
