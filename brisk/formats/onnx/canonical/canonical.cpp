#include "brisk/formats/onnx/canonical/canonical.h"

#include <algorithm>
#include <map>

#include "brisk/formats/onnx/canonical/captures.h"
#include "brisk/formats/onnx/canonical/needed_order.h"
#include "brisk/formats/onnx/canonical/own_ops.h"
#include "brisk/ir/builder.h"
#include "brisk/passes/simplify.h"
#include "brisk/passes/sink_transposes.h"

namespace brisk::onnx {
namespace {

/// The layers that nodes belong to. What a file has without a name, or says by the shapes of its
/// operands, belongs to whoever reads it first.
std::vector<std::string> labels_of(const Graph& graph, const std::vector<NodeId>& order) {
  constexpr std::string_view kReaders[] = {"constant", "iota", "broadcast", "transpose"};
  std::vector<std::string> labels(graph.nodes().size());
  std::vector<NodeId> first_reader(graph.nodes().size(), -1);
  for (auto at = order.rbegin(); at != order.rend(); ++at) {
    const Node& node = graph.node(*at);
    const bool is_readers =
        std::find(std::begin(kReaders), std::end(kReaders), node.op->name) != std::end(kReaders);
    const NodeId reader = first_reader[static_cast<size_t>(*at)];
    if (!is_readers)
      labels[static_cast<size_t>(*at)] = node.label;
    else if (reader >= 0)
      labels[static_cast<size_t>(*at)] = labels[static_cast<size_t>(reader)];
    for (const ValueId& operand : node.operands)
      first_reader[static_cast<size_t>(operand.node)] = *at;
  }
  return labels;
}

/// A graph's signature: which of its inputs and outputs, in which order, under which names.
struct Signature {
  struct Port {
    size_t index;
    std::string name;
  };
  std::vector<Port> inputs, outputs;
};

/// The graph with its nodes in needed order, its inputs first.
Graph rebuilt(const Graph& graph, const std::vector<NodeId>& order, const Signature& signature);

/// A region's names say nothing.
Graph ordered_region(const Graph& region) {
  Signature signature;
  for (size_t i = 0; i < region.inputs().size(); ++i)
    signature.inputs.push_back({i, fmt::format("parameter{}", i)});
  for (size_t i = 0; i < region.outputs().size(); ++i)
    signature.outputs.push_back({i, fmt::format("result{}", i)});
  return rebuilt(region, needed_order(region), signature);
}

Graph rebuilt(const Graph& graph, const std::vector<NodeId>& order, const Signature& signature) {
  const std::vector<std::string> labels = labels_of(graph, order);
  Builder builder(graph.ops(), graph.name());
  std::vector<std::vector<Value>> mapped(graph.nodes().size());
  const auto at = [&](ValueId id) {
    return mapped[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)];
  };
  for (const auto& [i, name] : signature.inputs)
    mapped[static_cast<size_t>(graph.inputs()[i])] = {builder.input(name, graph.input_type(i))};
  for (const NodeId id : order) {
    const Node& node = graph.node(id);
    if (!mapped[static_cast<size_t>(id)].empty()) continue;
    std::vector<Value> operands;
    for (const ValueId& operand : node.operands) operands.push_back(at(operand));
    std::vector<Graph> regions;
    for (const Graph& region : node.regions) regions.push_back(ordered_region(region));
    const LabelScope label(builder, labels[static_cast<size_t>(id)]);
    mapped[static_cast<size_t>(id)] =
        builder.emit(*node.op, operands, node.attributes, std::move(regions));
  }
  std::vector<Builder::Output> results;
  for (const auto& [i, name] : signature.outputs)
    results.push_back({name, at(graph.outputs()[i].value)});
  return builder.finish(results);
}

/// Rewritten until nothing changes.
Graph settled(const Graph& graph) {
  constexpr int kMaxRounds = 8;  // against rules that undo each other
  Graph current = simplify(graph);
  for (int round = 0; round < kMaxRounds; ++round) {
    Graph next = simplify(sink_transposes(simplify(with_own_ops(with_ordered_captures(current)))));
    if (next == current) return next;
    current = std::move(next);
  }
  return current;
}

}  // namespace

Program canonical(const Program& program, std::vector<Tensor>& weights) {
  const Graph graph = settled(program.graph);
  const std::vector<NodeId> order = needed_order(graph);
  std::map<NodeId, size_t> position;
  for (size_t i = 0; i < graph.inputs().size(); ++i) position[graph.inputs()[i]] = i;

  Program result;
  result.num_results = program.num_results;
  Signature signature;
  const auto keep_input = [&](size_t i) { signature.inputs.push_back({i, graph.input_name(i)}); };
  const auto keep_output = [&](size_t i) {
    signature.outputs.push_back({i, graph.outputs()[i].name});
  };
  std::vector<int64_t> renumbered(program.state.size(), -1);
  std::vector<Tensor> kept;
  for (const NodeId id : order) {
    const auto found = position.find(id);
    if (found == position.end() || found->second >= program.state.size()) continue;
    const size_t entry = found->second;
    renumbered[entry] = static_cast<int64_t>(result.state.size());
    result.state.push_back(program.state[entry]);
    kept.push_back(weights[entry]);
    keep_input(entry);
  }
  weights = std::move(kept);
  for (size_t i = program.state.size(); i < graph.inputs().size(); ++i) keep_input(i);

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
  for (size_t i = 0; i < static_cast<size_t>(program.num_results); ++i) keep_output(i);
  for (const Update& update : updates) {
    result.updates.push_back(update.entry);
    keep_output(update.output);
  }
  result.graph = rebuilt(graph, order, signature);
  return result;
}

}  // namespace brisk::onnx
