#include "brisk/backends/reference/evaluate.h"

#include "brisk/backends/reference/kernels.h"
#include "brisk/base/error.h"
#include "brisk/ops/standard.h"

namespace brisk::reference {
namespace {

/// For each node the last one that reads it, so that intermediate tensors go when they are done;
/// outputs stay to the end.
std::vector<size_t> last_uses(const Graph& graph) {
  std::vector<size_t> last(graph.nodes().size(), 0);
  for (size_t id = 0; id < graph.nodes().size(); ++id)
    for (const ValueId& operand : graph.nodes()[id].operands)
      last[static_cast<size_t>(operand.node)] = id;
  for (const NamedValue& output : graph.outputs())
    last[static_cast<size_t>(output.value.node)] = graph.nodes().size();
  return last;
}

bool has_type(const Tensor& tensor, const Type& type) {
  return tensor.defined() && tensor.dtype() == type.dtype() &&
         Shape(tensor.sizes()) == type.shape();
}

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

}  // namespace

Kernel select_kernel(const Op& op) {
  for (const auto find : {find_source_kernel, find_reduce_kernel, find_move_kernel,
                          find_index_kernel, find_contract_kernel, find_convolve_kernel,
                          find_window_kernel, find_control_kernel})
    if (const Kernel kernel = find(op.name)) return kernel;
  if (op.expr_rule) return evaluate_expression;
  if (op.combiner != ScalarOp::input) return evaluate_reduction;
  if (op.decompose_rule) return evaluate_decomposition;
  refuse("[{}] has neither a kernel, a scalar expression, a combiner nor a decomposition to be "
         "evaluated by",
         op.name);
}

std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs) {
  require(inputs.size() == graph.inputs().size(), "graph '{}' takes {} inputs, but {} are given",
          graph.name(), graph.inputs().size(), inputs.size());
  std::vector<std::vector<Tensor>> values(graph.nodes().size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    require(has_type(inputs[i], graph.input_type(i)), "input '{}' of graph '{}' is {}, but {} is given",
            graph.input_name(i), graph.name(), graph.input_type(i).to_string(),
            inputs[i].defined() ? inputs[i].describe() : "an undefined tensor");
    values[static_cast<size_t>(graph.inputs()[i])] = {inputs[i]};
  }
  const std::vector<size_t> last = last_uses(graph);
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    if (!values[id].empty()) continue;
    const Node& node = graph.nodes()[id];
    std::vector<Tensor> operands;
    for (const ValueId& operand : node.operands)
      operands.push_back(
          values[static_cast<size_t>(operand.node)][static_cast<size_t>(operand.result)]);
    values[id] = evaluate_with(node, operands, graph.ops());
    for (const ValueId& operand : node.operands)
      if (last[static_cast<size_t>(operand.node)] == id)
        values[static_cast<size_t>(operand.node)].clear();
  }
  std::vector<Tensor> outputs;
  for (const NamedValue& output : graph.outputs())
    outputs.push_back(values[static_cast<size_t>(output.value.node)]
                            [static_cast<size_t>(output.value.result)]);
  return outputs;
}

std::vector<Tensor> evaluate_node(const Node& node, std::span<const Tensor> operands) {
  return evaluate_with(node, operands, standard_ops());
}

}  // namespace brisk::reference
