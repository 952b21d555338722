#include "brisk/formats/onnx/canonical.h"

#include <algorithm>
#include <map>

#include "brisk/formats/onnx/own_ops.h"
#include "brisk/ir/builder.h"
#include "brisk/passes/simplify.h"
#include "brisk/passes/sink_transposes.h"

namespace brisk::onnx {
namespace {

/// Nodes behind their operands, operand by operand, as the outputs need them; inputs among them.
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

/// The graph with its nodes in needed order, its inputs first and in the order of `inputs`
/// (positions among the graph's), its outputs in the order of `outputs`.
Graph rebuilt(const Graph& graph, const std::vector<NodeId>& order,
              const std::vector<size_t>& inputs, const std::vector<size_t>& outputs);

std::vector<size_t> all(size_t count) {
  std::vector<size_t> result(count);
  for (size_t i = 0; i < count; ++i) result[i] = i;
  return result;
}

Graph ordered(const Graph& graph) {
  return rebuilt(graph, needed_order(graph), all(graph.inputs().size()),
                 all(graph.outputs().size()));
}

Graph rebuilt(const Graph& graph, const std::vector<NodeId>& order,
              const std::vector<size_t>& inputs, const std::vector<size_t>& outputs) {
  Builder builder(graph.ops(), graph.name());
  std::vector<std::vector<Value>> mapped(graph.nodes().size());
  const auto at = [&](ValueId id) {
    return mapped[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)];
  };
  for (const size_t i : inputs)
    mapped[static_cast<size_t>(graph.inputs()[i])] = {
        builder.input(graph.input_name(i), graph.input_type(i))};
  for (const NodeId id : order) {
    const Node& node = graph.node(id);
    if (!mapped[static_cast<size_t>(id)].empty()) continue;
    std::vector<Value> operands;
    for (const ValueId& operand : node.operands) operands.push_back(at(operand));
    std::vector<Graph> regions;
    for (const Graph& region : node.regions) regions.push_back(ordered(region));
    const LabelScope label(builder, node.label);
    mapped[static_cast<size_t>(id)] =
        builder.emit(*node.op, operands, node.attributes, std::move(regions));
  }
  std::vector<Builder::Output> results;
  for (const size_t i : outputs)
    results.push_back({graph.outputs()[i].name, at(graph.outputs()[i].value)});
  return builder.finish(results);
}

}  // namespace

Program canonical(const Program& program, std::vector<Tensor>& weights) {
  const Graph graph = simplify(sink_transposes(simplify(with_own_ops(simplify(program.graph)))));
  const std::vector<NodeId> order = needed_order(graph);
  std::map<NodeId, size_t> position;
  for (size_t i = 0; i < graph.inputs().size(); ++i) position[graph.inputs()[i]] = i;

  Program result;
  result.num_results = program.num_results;
  std::vector<size_t> inputs;
  std::vector<int64_t> renumbered(program.state.size(), -1);
  std::vector<Tensor> kept;
  for (const NodeId id : order) {
    const auto found = position.find(id);
    if (found == position.end() || found->second >= program.state.size()) continue;
    const size_t entry = found->second;
    renumbered[entry] = static_cast<int64_t>(result.state.size());
    result.state.push_back(program.state[entry]);
    kept.push_back(weights[entry]);
    inputs.push_back(entry);
  }
  weights = std::move(kept);
  for (size_t i = program.state.size(); i < graph.inputs().size(); ++i) inputs.push_back(i);

  struct Update {
    int64_t entry;
    size_t output;
  };
  std::vector<Update> updates;
  for (size_t j = 0; j < program.updates.size(); ++j)
    if (const int64_t entry = renumbered[static_cast<size_t>(program.updates[j])]; entry >= 0)
      updates.push_back({entry, static_cast<size_t>(program.num_results) + j});
  std::sort(updates.begin(), updates.end(),
            [](const Update& a, const Update& b) { return a.entry < b.entry; });
  std::vector<size_t> outputs = all(static_cast<size_t>(program.num_results));
  for (const Update& update : updates) {
    result.updates.push_back(update.entry);
    outputs.push_back(update.output);
  }
  result.graph = rebuilt(graph, order, inputs, outputs);
  return result;
}

}  // namespace brisk::onnx
