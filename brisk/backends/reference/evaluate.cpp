#include "brisk/backends/reference/evaluate.h"

#include <chrono>

#include "brisk/backends/reference/kernels.h"
#include "brisk/backends/reference/observed_walk.h"
#include "brisk/base/error.h"
#include "brisk/ir/liveness.h"
#include "brisk/ops/standard.h"

namespace brisk::reference {
namespace {

std::vector<Tensor> evaluate_with(const Node& node, std::span<const Tensor> operands,
                                  const OpSetPtr& ops) {
  std::vector<Tensor> results = select_kernel(*node.op)({node, operands, ops});
  invariant(results.size() == node.results.size(), "[{}] gave {} results instead of {}",
            node.op->name, results.size(), node.results.size());
  for (size_t i = 0; i < results.size(); ++i)
    invariant(has_type(results[i], node.results[i]), "[{}] result {} is {}, but was inferred as {}",
              node.op->name, i, results[i].describe(), node.results[i].to_string());
  return results;
}

/// Drops the results of operands that `id` is the last to read.
void release(const Node& node, size_t id, const std::vector<size_t>& last,
             std::vector<std::vector<Tensor>>& values) {
  for (const ValueId& operand : node.operands)
    if (last[static_cast<size_t>(operand.node)] == id)
      values[static_cast<size_t>(operand.node)].clear();
}

std::vector<std::vector<Tensor>> place_inputs(const Graph& graph, std::span<const Tensor> inputs) {
  require(inputs.size() == graph.inputs().size(), "graph '{}' takes {} inputs, but {} are given",
          graph.name(), graph.inputs().size(), inputs.size());
  std::vector<std::vector<Tensor>> values(graph.nodes().size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    require(has_type(inputs[i], graph.input_type(i)),
            "input '{}' of graph '{}' is {}, but {} is given", graph.input_name(i), graph.name(),
            graph.input_type(i).to_string(),
            inputs[i].defined() ? inputs[i].describe() : "an undefined tensor");
    values[static_cast<size_t>(graph.inputs()[i])] = {inputs[i]};
  }
  return values;
}

}  // namespace

bool has_type(const Tensor& tensor, const Type& type) {
  // A tensor without elements may come without memory.
  const bool has_elements = tensor.defined() || (tensor.rank() > 0 && tensor.num_elements() == 0);
  return has_elements && tensor.dtype() == type.dtype() && Shape(tensor.sizes()) == type.shape();
}

Kernel select_kernel(const Op& op) {
  for (const auto find :
       {find_source_kernel, find_reduce_kernel, find_move_kernel, find_index_kernel,
        find_contract_kernel, find_convolve_kernel, find_window_kernel, find_control_kernel})
    if (const Kernel kernel = find(op.name)) return kernel;
  if (op.expr_rule) return evaluate_expression;
  if (op.combiner != ScalarOp::input) return evaluate_reduction;
  if (op.decompose_rule) return evaluate_decomposition;
  refuse(
      "[{}] has neither a kernel, a scalar expression, a combiner nor a decomposition to be "
      "evaluated by",
      op.name);
}

std::vector<Tensor> evaluate_observed(const Graph& graph, std::span<const Tensor> inputs,
                                      const NodeObserver& observer) {
  std::vector<std::vector<Tensor>> values = place_inputs(graph, inputs);
  const auto value = [&](const ValueId& id) {
    return values[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)];
  };
  const std::vector<size_t> last = last_uses(graph);
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    if (!values[id].empty()) continue;
    const Node& node = graph.nodes()[id];
    const auto start = std::chrono::steady_clock::now();
    std::vector<Tensor> operands;
    for (const ValueId& operand : node.operands) operands.push_back(value(operand));
    values[id] = evaluate_with(node, operands, graph.ops());
    release(node, id, last, values);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    if (observer) observer(static_cast<NodeId>(id), time.count());
  }
  std::vector<Tensor> outputs;
  for (const NamedValue& output : graph.outputs()) outputs.push_back(value(output.value));
  return outputs;
}

std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs) {
  return evaluate_observed(graph, inputs, {});
}

std::vector<Tensor> evaluate_node(const Node& node, std::span<const Tensor> operands) {
  return evaluate_with(node, operands, standard_ops());
}

}  // namespace brisk::reference
