#include "brisk/nn/model.h"

#include "brisk/base/json.h"
#include "brisk/base/parallel.h"
#include "brisk/base/philox.h"
#include "brisk/base/tasks.h"
#include "brisk/ir/rewrite.h"
#include "brisk/nn/initializers.h"
#include "brisk/ops/control/control.h"

namespace brisk {
namespace {

/// Whether the node calls a BatchNormalization that is not trained: Keras lets it use its moving
/// statistics in training too, and leaves them as they are.
bool is_frozen_batch_norm(const Node& node) {
  if (node.op->name != "call") return false;
  const auto& call = node.attributes.as<CallAttributes>();
  if (call.kind != "BatchNormalization" || call.config.empty()) return false;
  return parse_json(call.config, call.name).value().value("trainable", Json()) == false;
}

/// The graph with the attribute "training" set in every op that has one, regions included.
Graph with_training(const Graph& graph, bool training) {
  return rewrite(graph,
                 [&](Builder& builder, const Node& node, NodeId,
                     std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (training && is_frozen_batch_norm(node))
                     return builder.emit(*node.op, operands, node.attributes,
                                         {with_training(node.regions[0], false)});
                   std::vector<NamedAttribute> fields = node.attributes.list();
                   for (NamedAttribute& field : fields) {
                     if (field.name != "training") continue;
                     field.value = training;
                     return builder.emit(*node.op, operands, node.op->parse_attributes(fields),
                                         node.regions);
                   }
                   return std::nullopt;
                 });
}

}  // namespace

void Model::initialize(uint64_t seed) {
  weights = initial_weights(program, seed);
}

std::vector<Tensor> initial_weights(const Program& program, uint64_t seed) {
  std::vector<Tensor> weights(program.state.size());
  run_tasks(weights.size(), static_cast<size_t>(available_cores()), [&](size_t i) {
    const StateEntry& entry = program.state[i];
    weights[i] = make_initial_value(entry.initializer, entry.type, fold_key(seed, i));
  });
  return weights;
}

int64_t Model::num_parameters() const {
  int64_t count = 0;
  for (const StateEntry& entry : program.state)
    if (entry.role == StateRole::parameter) count += entry.type.shape().num_elements();
  return count;
}

Program for_training(const Program& program) {
  Program result = program;
  result.graph = with_training(program.graph, true);
  return result;
}

Program for_inference(const Program& program) {
  Program result = program;
  result.updates.clear();
  const Graph graph = with_training(program.graph, false);
  std::vector<NamedValue> outputs(
      graph.outputs().begin(),
      graph.outputs().begin() + static_cast<std::ptrdiff_t>(program.num_results));
  const Graph cut(graph.ops(), graph.name(), {graph.nodes().begin(), graph.nodes().end()},
                  {graph.inputs().begin(), graph.inputs().end()}, outputs);
  // A rewrite that changes nothing drops what only the updates needed.
  result.graph = rewrite(cut, [](Builder&, const Node&, NodeId, std::span<const Value>) {
    return std::optional<std::vector<Value>>();
  });
  return result;
}

}  // namespace brisk
