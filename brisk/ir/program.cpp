#include "brisk/ir/program.h"

#include <array>

#include "brisk/base/edit_distance.h"
#include "brisk/base/error.h"
#include "brisk/ir/op.h"

namespace brisk {

std::span<const std::string_view> enum_names(StateRole) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "parameter", "statistic", "slot", "accumulator", "mask", "random_key", "counter", "scalar"};
  return kNames;
}

size_t Program::state_index(std::string_view name) const {
  std::vector<std::string> names;
  for (size_t i = 0; i < state.size(); ++i) {
    if (state[i].name == name) return i;
    names.push_back(state[i].name);
  }
  refuse("the program has no state '{}'{}", name, did_you_mean(name, names));
}

std::vector<bool> constant_state(const Program& program) {
  std::vector<bool> constant;
  for (const StateEntry& entry : program.state)
    constant.push_back(entry.role != StateRole::scalar && entry.role != StateRole::mask);
  for (const int64_t updated : program.updates) constant[static_cast<size_t>(updated)] = false;
  return constant;
}

void verify(const Graph& graph) {
  const auto nodes = graph.nodes();
  size_t num_inputs = 0;
  for (size_t id = 0; id < nodes.size(); ++id) {
    const Node& node = nodes[id];
    std::vector<Type> operand_types;
    for (const ValueId& operand : node.operands) {
      invariant(operand.node >= 0 && static_cast<size_t>(operand.node) < id,
                "node {} ({}) uses node {}, which does not come before it", id, node.op->name,
                operand.node);
      operand_types.push_back(graph.type(operand));
    }
    for (const Graph& region : node.regions) verify(region);
    if (node.op->name == "input") {
      ++num_inputs;
      continue;
    }
    const std::vector<Type> inferred =
        node.op->infer_rule(InferContext{*node.op, operand_types, node.attributes, node.regions});
    invariant(inferred == node.results,
              "node {} ({}) states other result types than its rule infers", id, node.op->name);
  }
  invariant(num_inputs == graph.inputs().size(), "graph '{}' has {} input nodes, but lists {}",
            graph.name(), num_inputs, graph.inputs().size());
  for (const NodeId id : graph.inputs())
    invariant(graph.node(id).op->name == "input", "input {} of graph '{}' is a {}", id,
              graph.name(), graph.node(id).op->name);
  for (const NamedValue& output : graph.outputs()) graph.type(output.value);
}

void verify(const Program& program) {
  verify(program.graph);
  const Graph& graph = program.graph;
  invariant(graph.inputs().size() >= program.state.size(),
            "a program with {} state entries has only {} inputs", program.state.size(),
            graph.inputs().size());
  for (size_t i = 0; i < program.state.size(); ++i)
    invariant(graph.input_type(i) == program.state[i].type, "state '{}' is {}, but its input is {}",
              program.state[i].name, program.state[i].type.to_string(),
              graph.input_type(i).to_string());
  invariant(program.num_results >= 0, "a program has {} results", program.num_results);
  invariant(
      graph.outputs().size() == static_cast<size_t>(program.num_results) + program.updates.size(),
      "a program with {} results and {} updates has {} outputs", program.num_results,
      program.updates.size(), graph.outputs().size());
  int64_t previous = -1;
  for (size_t j = 0; j < program.updates.size(); ++j) {
    const int64_t entry = program.updates[j];
    invariant(entry > previous && entry < static_cast<int64_t>(program.state.size()),
              "update {} names state {}, out of order or of range", j, entry);
    previous = entry;
    const Type& updated = graph.output_type(static_cast<size_t>(program.num_results) + j);
    const StateEntry& state = program.state[static_cast<size_t>(entry)];
    invariant(updated == state.type, "state '{}' is {}, but its update is {}", state.name,
              state.type.to_string(), updated.to_string());
  }
}

}  // namespace brisk
