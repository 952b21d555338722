#include "brisk/compress/quantization_report.h"

#include <algorithm>
#include <set>

#include "brisk/ops/quantize/quantize.h"
#include "brisk/ops/quantize/weight_only.h"
#include "brisk/ops/tflite/tflite.h"
#include "brisk/passes/inline_calls.h"

namespace brisk {
namespace {

const std::set<std::string, std::less<>> kProducts = {
    "convolution",     "fused_convolution", "dot_general",
    "fused_dot",       "quantized_dot",     "quantized_convolution",
    "weight_only_dot", "tflite_dot",        "tflite_convolution"};

/// Nodes that weights alone decide.
std::vector<bool> made_of_weights(const Program& program, const Graph& graph) {
  std::vector<bool> result(graph.nodes().size());
  for (size_t i = 0; i < program.state.size(); ++i)
    result[static_cast<size_t>(graph.inputs()[i])] = true;
  for (size_t id = 0; id < result.size(); ++id) {
    const std::vector<ValueId>& operands = graph.nodes()[id].operands;
    if (graph.nodes()[id].op->name == "input") continue;
    result[id] = std::all_of(operands.begin(), operands.end(), [&](ValueId operand) {
      return result[static_cast<size_t>(operand.node)];
    });
  }
  return result;
}

const RequantizeAttributes* requantize_of(const Node& node) {
  if (node.op->name == "quantized_dot") return &node.attributes.as<RequantizeAttributes>();
  if (node.op->name == "quantized_convolution")
    return &node.attributes.as<QuantizedConvolutionAttributes>().requantize;
  return nullptr;
}

}  // namespace

int64_t QuantizationReport::integers() const {
  return std::count_if(products.begin(), products.end(),
                       [](const ProductReport& product) { return product.integers(); });
}

int64_t QuantizationReport::weights_only() const {
  return std::count_if(products.begin(), products.end(),
                       [](const ProductReport& product) { return product.weights_only(); });
}

QuantizationReport quantization_report(const Model& model) {
  const Graph graph = inline_calls(model.program.graph);
  const std::vector<bool> weights = made_of_weights(model.program, graph);
  QuantizationReport report;
  for (const Node& node : graph.nodes()) {
    const std::string& op = node.op->name;
    report.quantize += op == "quantize" || op == "tflite_quantize" ? 1 : 0;
    report.dequantize += op == "dequantize" ? 1 : 0;
    if (!kProducts.contains(op) || !weights[static_cast<size_t>(node.operands[1].node)]) continue;
    ProductReport product{.label = node.label,
                          .op = op,
                          .input = std::string(name(graph.type(node.operands[0]).dtype())),
                          .filter = graph.type(node.operands[1]).to_string(),
                          .result = std::string(name(node.results[0].dtype()))};
    if (const RequantizeAttributes* requantize = requantize_of(node))
      product.result_scale = requantize->scale, product.residual = requantize->residual;
    if (op == "weight_only_dot")
      product.block_size = node.attributes.as<WeightOnlyAttributes>().block_size;
    if (op == "tflite_dot")
      product.result_scale = node.attributes.as<TfliteDotAttributes>().output.output_scale;
    if (op == "tflite_convolution")
      product.result_scale = node.attributes.as<TfliteConvolutionAttributes>().output.output_scale;
    report.products.push_back(std::move(product));
  }
  return report;
}

}  // namespace brisk
