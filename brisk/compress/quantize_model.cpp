#include "brisk/compress/quantize_model.h"

#include <algorithm>
#include <cmath>

#include "brisk/compress/integer_writer.h"
#include "brisk/ops/quantize/quantize_ops.h"

// The plan says which values become integers; their ranges are found by running the float graph
// with those values as results; then the graph is written anew.
//
// Scales of what is added are whole multiples of a fraction of the sum's: so sums of integers by
// ratios are exact in f32, and come out the same in whatever order a runtime adds. One that lay
// halfway but for the last bit would grow to steps of difference in the layers behind it.

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

double to_ratio(double x) {
  return std::max(std::nearbyint(x / kRatioStep), 1.0) * kRatioStep;
}

/// The f32 number nearest to `scale` that is `ratio` times `unit`, or that `unit` is `ratio` times,
/// where f32 divides one by the other; `scale` where there is none.
double beside(double scale, double unit, double ratio, bool divides) {
  const auto first = static_cast<float>(divides ? unit / ratio : unit * ratio);
  float up = first, down = first;
  for (int i = 0; i < 4; ++i) {
    for (const float x : {up, down}) {
      const float found = divides ? static_cast<float>(unit) / x : x / static_cast<float>(unit);
      if (found == static_cast<float>(ratio)) return x;
    }
    up = std::nextafter(up, INFINITY), down = std::nextafter(down, 0.0f);
  }
  return scale;
}

class ModelWriter : public IntegerWriter {
 public:
  ModelWriter(const Model& model, QuantizePlan plan, const ValueRanges& ranges,
              const RoundedFilters& rounded)
      : IntegerWriter(model, std::move(plan), rounded), ranges_(ranges) {
    for (const auto& [value, source] : plan_.integers)
      if (value == source) forms_[value] = integer_form(ranges_.at(value));
    // Operands first: a sum's scale follows from that of the residual, the product's from the
    // sum's.
    for (const auto& [id, product] : plan_.products) {
      if (!product.residual) continue;
      const double residual = form_of(graph_.node(id).operands.back()).scale;
      if (plan_.integers.at({id, 0}) != ValueId{id, 0}) continue;  // the scale is shared
      double& sum = forms_.at({id, 0}).scale;
      double& alone = forms_.at(before_residual(id)).scale;
      if (std::max(residual, alone) >= kGreatestRatio / 2 * sum) continue;
      sum = beside(sum, residual, to_ratio(residual / sum), true);
      alone = beside(alone, sum, to_ratio(alone / sum), false);
    }
  }

 private:
  const IntegerForm& form_of(ValueId value) const { return forms_.at(plan_.integers.at(value)); }

  QuantizedWeights weights_of(const ProductPlan& product) const override {
    const ValueId result =
        product.residual ? before_residual(product.node) : ValueId{product.node, 0};
    return quantize_weights(filter_of(product),
                            product.bias ? model_.weights[*product.bias] : Tensor(),
                            form_of(graph_.node(product.node).operands[0]).scale,
                            is_integer(result) ? form_of(result).scale : 1.0, rounded(product));
  }

  Value to_floats(Value integers, ValueId value) override {
    return dequantize(integers, {.scale = form_of(value).scale});
  }
  Value to_integers(Value floats, ValueId value) override {
    const IntegerForm form = form_of(value);
    return quantize(floats, {.scale = form.scale, .dtype = form.dtype});
  }
  /// Parts that another reader gave a range of their own are rounded once more.
  Value joined(const Node& node, NodeId id) override {
    const IntegerForm& form = form_of({id, 0});
    std::vector<Value> parts;
    for (const ValueId& operand : node.operands) {
      const IntegerForm& own = form_of(operand);
      const bool fits = own.dtype == form.dtype && own.scale == form.scale;
      parts.push_back(fits ? as_integers(operand) : to_integers(as_float(operand), {id, 0}));
    }
    return PlannedRewrite::copy(node, parts)[0];
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
      const IntegerForm before = form_of(before_residual(product.node));
      const IntegerLimits limits = integer_limits(before.dtype);
      requantize.product_scale = static_cast<float>(before.scale / scale);
      requantize.product_low = static_cast<int64_t>(limits.low);
      requantize.product_high = static_cast<int64_t>(limits.high);
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
  std::map<ValueId, IntegerForm> forms_;  ///< of values that share no other one's
};

}  // namespace

ValueRanges calibrate_values(const Model& model, std::span<const ValueId> values,
                             const Dataset& data, const CalibrationOptions& options) {
  ValueRanges ranges;
  if (values.empty()) return ranges;
  const Graph& graph = model.program.graph;
  std::vector<Node> nodes(graph.nodes().begin(), graph.nodes().end());
  std::vector<NamedValue> outputs;
  for (ValueId value : values) {
    const Node node = graph.node(value.node);
    if (is_before_residual(value)) {
      value = {static_cast<NodeId>(nodes.size()), 0};
      nodes.push_back(product_alone(node));
    }
    const std::string name =
        node.op->name == "input" ? node.attributes.as<InputAttributes>().name : node.label;
    outputs.push_back({fmt::format("{}:{}", name, outputs.size()), value});
  }
  Program observed = model.program;
  observed.graph = Graph(graph.ops(), graph.name(), std::move(nodes),
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
                              const std::set<std::string, std::less<>>& float_layers,
                              const RoundedFilters& rounded) {
  return ModelWriter(folded, plan_quantization(folded.program, float_layers), ranges, rounded)
      .write();
}

}  // namespace brisk
