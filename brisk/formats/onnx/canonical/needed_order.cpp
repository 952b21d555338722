#include "brisk/formats/onnx/canonical/needed_order.h"

namespace brisk::onnx {

std::vector<NodeId> needed_order(const Graph& graph) {
  struct Visit {
    NodeId node;
    size_t next_operand = 0;
  };
  std::vector<NodeId> order;
  std::vector<bool> seen(graph.nodes().size(), false);
  std::vector<Visit> open;
  const auto visit = [&](NodeId id) {
    if (seen[static_cast<size_t>(id)]) return;
    seen[static_cast<size_t>(id)] = true;
    open.push_back({id});
  };
  for (const NamedValue& output : graph.outputs()) {
    visit(output.value.node);
    while (!open.empty()) {
      Visit& top = open.back();
      const std::vector<ValueId>& operands = graph.node(top.node).operands;
      if (top.next_operand < operands.size()) {
        visit(operands[top.next_operand++].node);
      } else {
        order.push_back(top.node);
        open.pop_back();
      }
    }
  }
  return order;
}

}  // namespace brisk::onnx
