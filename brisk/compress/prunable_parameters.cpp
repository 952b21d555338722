#include "brisk/compress/prunable_parameters.h"

#include <algorithm>

#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/quantize/quantize.h"
#include "brisk/passes/inline_calls.h"

// A walk forward from the parameter's input, through what only moves or converts its elements, to
// the first ops that compute with them.

namespace brisk {
namespace {

bool is_depthwise(const ConvolutionAttributes& attributes, const Shape& filter) {
  return attributes.groups > 1 && filter.size(filter.rank() - 2) == 1;
}

const ConvolutionAttributes& geometry_of(const Node& node) {
  if (node.op->name == "fused_convolution")
    return node.attributes.as<FusedConvolutionAttributes>().convolution;
  if (node.op->name == "quantized_convolution")
    return node.attributes.as<QuantizedConvolutionAttributes>().convolution;
  return node.attributes.as<ConvolutionAttributes>();
}

bool feeds_product(const Graph& graph, ValueId value);

/// Whether `node` multiplies its operand `operand` with many values, or hands it on to who does.
bool multiplies(const Graph& graph, NodeId id, size_t operand) {
  const Node& node = graph.node(id);
  const std::string& op = node.op->name;
  const Shape& shape = graph.type(node.operands[operand]).shape();
  if (op == "dot_general") return true;
  if (op == "embedding" || op == "gather") return operand == 0 && shape.rank() == 2;
  if (op == "fused_dot" || op == "quantized_dot" || op == "weight_only_dot") return operand == 1;
  if (op == "convolution" || op == "fused_convolution" || op == "quantized_convolution")
    return operand == 1 && !is_depthwise(geometry_of(node), shape);
  if (op == "convolution_input_gradient")
    return operand == 1 &&
           !is_depthwise(node.attributes.as<ConvolutionGradientAttributes>().convolution, shape);
  if (node.op->kind == OpKind::move || op == "cast") return feeds_product(graph, {id, 0});
  return std::any_of(node.regions.begin(), node.regions.end(), [&](const Graph& region) {
    return operand < region.inputs().size() &&
           region.input_type(operand) == graph.type(node.operands[operand]) &&
           feeds_product(region, {region.inputs()[operand], 0});
  });
}

bool feeds_product(const Graph& graph, ValueId value) {
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    for (size_t i = 0; i < node.operands.size(); ++i)
      if (node.operands[i] == value && multiplies(graph, static_cast<NodeId>(id), i)) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> kernel_parameters(const Model& model) {
  const Graph graph = inline_calls(model.program.graph);
  std::vector<std::string> result;
  for (size_t i = 0; i < model.program.state.size(); ++i) {
    const StateEntry& entry = model.program.state[i];
    if (entry.role == StateRole::parameter && entry.type.rank() >= 2 &&
        feeds_product(graph, {graph.inputs()[i], 0}))
      result.push_back(entry.name);
  }
  return result;
}

std::vector<std::string> prunable_parameters(const Model& model) {
  std::vector<std::string> result = kernel_parameters(model);
  std::erase_if(result, [&](const std::string& name) {
    const StateEntry& entry = model.program.state[model.program.state_index(name)];
    return !entry.trainable || !is_floating(entry.type.dtype());
  });
  return result;
}

std::set<std::string, std::less<>> chosen_parameters(const Model& model,
                                                     const std::vector<std::string>& excluded,
                                                     std::string_view verb) {
  const std::vector<std::string> candidates = prunable_parameters(model);
  std::set<std::string, std::less<>> chosen;
  for (const std::string& name : candidates)
    if (std::none_of(excluded.begin(), excluded.end(),
                     [&](const std::string& part) { return name.find(part) != std::string::npos; }))
      chosen.insert(name);
  require(!chosen.empty(), "model '{}' has no parameter to {}: it has {}{}", model.name, verb,
          candidates.empty() ? "no product with trained weights"
                             : fmt::format("{}", fmt::join(candidates, ", ")),
          candidates.empty() ? "" : ", and exclude_layers names them all");
  return chosen;
}

}  // namespace brisk
