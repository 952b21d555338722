#include "brisk/passes/inline_calls.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/control/control.h"

namespace brisk {

Graph inline_calls(const Graph& graph) {
  return rewrite(graph,
                 [](Builder& builder, const Node& node, NodeId,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (node.op->name != "call") return std::nullopt;
                   const LabelScope label(builder, node.attributes.as<CallAttributes>().name);
                   return builder.inline_graph(node.regions[0], operands);
                 });
}

Program inline_calls(Program program, const PassContext&) {
  program.graph = inline_calls(program.graph);
  return program;
}

}  // namespace brisk
