#include "brisk/ir/rewrite.h"

#include "brisk/base/error.h"
#include "brisk/ir/mapped_values.h"

namespace brisk {
Graph rewrite(const Graph& graph, const NodeRewriter& rewriter, bool into_regions) {
  Builder builder(graph.ops(), graph.name());
  MappedValues mapped(graph.nodes().size());
  for (size_t i = 0; i < graph.inputs().size(); ++i)
    mapped[static_cast<size_t>(graph.inputs()[i])] = {
        builder.input(graph.input_name(i), graph.input_type(i))};
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    if (!mapped[id].empty()) continue;
    Node node = graph.nodes()[id];
    if (into_regions)
      for (Graph& region : node.regions) region = rewrite(region, rewriter);
    const std::vector<Value> operands = mapped_operands(node, mapped);
    const LabelScope label(builder, node.label);
    if (auto replaced = rewriter(builder, node, static_cast<NodeId>(id), operands)) {
      invariant(replaced->size() == node.results.size(),
                "[{}] is rewritten to {} values, but has {}", node.op->name, replaced->size(),
                node.results.size());
      mapped[id] = std::move(*replaced);
    } else {
      mapped[id] = builder.emit(*node.op, operands, node.attributes, node.regions);
    }
  }
  return builder.finish(mapped_outputs(graph, mapped));
}

Graph map_regions(const Graph& graph, const std::function<Graph(const Graph&)>& map) {
  return rewrite(
      graph,
      [&](Builder& builder, const Node& node, NodeId,
          std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (node.regions.empty()) return std::nullopt;
        std::vector<Graph> regions;
        for (const Graph& region : node.regions) regions.push_back(map(region));
        return builder.emit(*node.op, operands, node.attributes, std::move(regions));
      },
      false);
}

}  // namespace brisk
