#include "brisk/passes/mixed_precision.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/elementwise/elementwise.h"

// Every op computes in the short type where its floating f32 operands can be short, with exceptions
// that are named here:
//  * operands of batch_norm and layer_norm but the first, and attention's bias, are f32;
//  * losses, and ops whose results leave the program, are f32: outputs are cast back;
//  * f32 parameters are cast where they are used; the cast is part of the graph, so its gradient
//    brings f32 gradients to f32 parameters.

namespace brisk {
namespace {

bool keeps_f32(std::string_view op, size_t operand) {
  if (op == "batch_norm" || op == "layer_norm") return operand > 0;
  if (op == "dot_product_attention") return operand > 2;
  return op == "sparse_softmax_cross_entropy" || op == "softmax_cross_entropy";
}

Graph to_short(const Graph& graph, DType type) {
  Builder builder(graph.ops(), graph.name());
  std::vector<std::vector<Value>> mapped(graph.nodes().size());
  for (size_t i = 0; i < graph.inputs().size(); ++i)
    mapped[static_cast<size_t>(graph.inputs()[i])] = {
        builder.input(graph.input_name(i), graph.input_type(i))};
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (!mapped[id].empty()) continue;
    std::vector<Value> operands;
    const LabelScope label(builder, node.label);
    for (size_t i = 0; i < node.operands.size(); ++i) {
      const ValueId operand = node.operands[i];
      Value value = mapped[static_cast<size_t>(operand.node)][static_cast<size_t>(operand.result)];
      if (value.type().is_tensor() && is_floating(value.dtype())) {
        const bool keep = !node.regions.empty() || keeps_f32(node.op->name, i);
        if (keep)
          value = cast(value, graph.type(operand).dtype());
        else if (value.dtype() == DType::f32)
          value = cast(value, type);
      }
      operands.push_back(value);
    }
    mapped[id] = builder.emit(*node.op, operands, node.attributes, node.regions);
  }
  std::vector<Builder::Output> outputs;
  for (size_t j = 0; j < graph.outputs().size(); ++j) {
    const NamedValue& output = graph.outputs()[j];
    Value value =
        mapped[static_cast<size_t>(output.value.node)][static_cast<size_t>(output.value.result)];
    if (value.type().is_tensor() && value.dtype() != graph.output_type(j).dtype())
      value = cast(value, graph.output_type(j).dtype());
    outputs.push_back({output.name, value});
  }
  return builder.finish(outputs);
}

}  // namespace

Program mixed_precision(Program program, DType type) {
  require(type == DType::bf16 || type == DType::f16,
          "mixed precision computes in bf16 or f16, not {}", name(type));
  program.graph = to_short(program.graph, type);
  return program;
}

}  // namespace brisk
