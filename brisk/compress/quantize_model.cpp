#include "brisk/compress/quantize_model.h"

#include <algorithm>

#include "brisk/compress/integer_writer.h"
#include "brisk/ops/quantize/quantize.h"

// The plan says which values become integers; their ranges are found by running the float graph
// with those values as results; then the graph is written anew.

namespace brisk {
namespace {

/// The integers that stand for a value.
struct IntegerForm {
  DType dtype;
  double scale;
};

IntegerForm integer_form(const TensorRange& range) {
  const int levels = range.is_signed() ? 127 : 255;
  const double scale = range.magnitude > 0 ? range.magnitude / levels : 1.0;
  return {range.is_signed() ? DType::i8 : DType::u8, static_cast<float>(scale)};
}

class ModelWriter : public IntegerWriter {
 public:
  ModelWriter(const Model& model, QuantizePlan plan, const ValueRanges& ranges)
      : IntegerWriter(model, std::move(plan)), ranges_(ranges) {}

 private:
  IntegerForm form_of(ValueId value) const {
    return integer_form(ranges_.at(plan_.integers.at(value)));
  }

  QuantizedWeights weights_of(const ProductPlan& product) const override {
    const ValueId result{product.node, 0};
    const Tensor& filter = model_.weights[product.filter];
    return quantize_weights(product.transpose_filter ? transposed(filter) : filter,
                            product.bias ? model_.weights[*product.bias] : Tensor(),
                            form_of(graph_.node(product.node).operands[0]).scale,
                            is_integer(result) ? form_of(result).scale : 1.0);
  }

  Value to_floats(Value integers, ValueId value) override {
    return dequantize(integers, {.scale = form_of(value).scale});
  }
  Value to_integers(Value floats, ValueId value) override {
    const IntegerForm form = form_of(value);
    return quantize(floats, {.scale = form.scale, .dtype = form.dtype});
  }
  Value product(const ProductPlan& product, Value integers, Value residual) override {
    const Node& node = graph_.node(product.node);
    const ValueId result{product.node, 0};
    const IntegerForm input = form_of(node.operands[0]);
    std::vector<Value> operands = {integers};
    for (const Value& value : weights(product)) operands.push_back(value);
    RequantizeAttributes requantize;
    if (is_integer(result))
      requantize.dtype = form_of(result).dtype, requantize.scale = form_of(result).scale;
    const double scale = is_integer(result) ? form_of(result).scale : 1.0;
    requantize.limit = static_cast<float>(6 / scale);
    if (product.residual) {
      operands.push_back(residual);
      requantize.residual = true;
      requantize.residual_scale = static_cast<float>(form_of(node.operands.back()).scale / scale);
    }
    Value y;
    if (node.op->name == "fused_dot") {
      requantize.activation = node.attributes.as<FusedDotAttributes>().activation;
      y = quantized_dot(operands, requantize);
    } else {
      const auto& attributes = node.attributes.as<FusedConvolutionAttributes>();
      requantize.activation = attributes.activation;
      y = quantized_convolution(operands, {attributes.convolution, requantize});
    }
    add_layer(product, {.input = ranges_.at(plan_.integers.at(node.operands[0])),
                        .input_scale = input.scale,
                        .input_type = input.dtype,
                        .result_type = requantize.dtype});
    return y;
  }

  const ValueRanges& ranges_;
};

}  // namespace

ValueRanges calibrate_values(const Model& model, std::span<const ValueId> values,
                             const Dataset& data, const CalibrationOptions& options) {
  ValueRanges ranges;
  if (values.empty()) return ranges;
  const Graph& graph = model.program.graph;
  std::vector<NamedValue> outputs;
  for (const ValueId& value : values) {
    const Node& node = graph.node(value.node);
    const std::string name =
        node.op->name == "input" ? node.attributes.as<InputAttributes>().name : node.label;
    outputs.push_back({fmt::format("{}:{}", name, outputs.size()), value});
  }
  Program observed = model.program;
  observed.graph = Graph(graph.ops(), graph.name(), {graph.nodes().begin(), graph.nodes().end()},
                         {graph.inputs().begin(), graph.inputs().end()}, outputs);
  observed.num_results = static_cast<int64_t>(outputs.size());
  observed.updates.clear();
  const std::vector<TensorRange> found = calibrate(observed, model.weights, data, options);
  for (size_t i = 0; i < values.size(); ++i) ranges[values[i]] = found[i];
  return ranges;
}

ValueRanges calibrate_model(const Model& folded, const Dataset& data,
                            const CalibrationOptions& options) {
  return calibrate_values(folded, plan_quantization(folded.program, {}).observed(), data, options);
}

QuantizedModel quantize_model(const Model& folded, const ValueRanges& ranges,
                              const std::set<std::string, std::less<>>& float_layers) {
  return ModelWriter(folded, plan_quantization(folded.program, float_layers), ranges).write();
}

}  // namespace brisk
