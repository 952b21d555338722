#include "brisk/compress/quantize_model.h"

#include <algorithm>

#include "brisk/compress/quantize_plan.h"
#include "brisk/compress/quantize_weights.h"
#include "brisk/ops/quantize/quantize.h"

// The plan says which values become integers; their ranges are found by running the float graph
// with those values as results; then the graph is written anew. While it is, a value has a float
// form, an integer form or both: the missing one is made when it is first asked for.

namespace brisk {
namespace {

std::vector<TensorRange> ranges_of(const Model& model, std::span<const ValueId> values,
                                   const Dataset& data, const CalibrationOptions& options) {
  const Graph& graph = model.program.graph;
  std::vector<NamedValue> outputs;
  for (const ValueId& value : values) {
    const Node& node = graph.node(value.node);
    const std::string name =
        node.op->name == "input" ? node.attributes.as<InputAttributes>().name : node.label;
    outputs.push_back({fmt::format("{}:{}", name, outputs.size()), value});
  }
  Program observed = model.program;
  observed.graph =
      Graph(graph.ops(), graph.name() + "_observed", {graph.nodes().begin(), graph.nodes().end()},
            {graph.inputs().begin(), graph.inputs().end()}, outputs);
  observed.num_results = static_cast<int64_t>(outputs.size());
  observed.updates.clear();
  return calibrate(observed, model.weights, data, options);
}

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

class ModelWriter {
 public:
  ModelWriter(const Model& model, QuantizePlan plan, const ValueRanges& ranges)
      : model_(model),
        graph_(model.program.graph),
        plan_(std::move(plan)),
        ranges_(ranges),
        builder_(graph_.ops(), graph_.name()) {}

  QuantizedModel write() {
    add_state();
    for (size_t i = model_.program.state.size(); i < graph_.inputs().size(); ++i)
      floats_[{graph_.inputs()[i], 0}] = builder_.input(graph_.input_name(i), graph_.input_type(i));
    for (size_t id = 0; id < graph_.nodes().size(); ++id)
      if (graph_.nodes()[id].op->name != "input") write_node(static_cast<NodeId>(id));
    std::vector<Builder::Output> outputs;
    for (const NamedValue& output : graph_.outputs())
      outputs.push_back({output.name, as_float(output.value)});
    Model& result = result_.model;
    result.name = model_.name;
    result.class_names = model_.class_names;
    result.program.num_results = static_cast<int64_t>(outputs.size());
    result.program.graph = builder_.finish(outputs);
    verify(result.program);
    return std::move(result_);
  }

 private:
  IntegerForm form_of(ValueId value) const {
    return integer_form(ranges_.at(plan_.integers.at(value)));
  }
  bool is_integer(ValueId value) const { return plan_.integers.contains(value); }

  Value add_entry(StateEntry entry, Tensor weights) {
    Model& result = result_.model;
    const Value value = builder_.input(entry.name, entry.type);
    result.program.state.push_back(std::move(entry));
    result.weights.push_back(std::move(weights));
    return value;
  }
  Value add_weights(const std::string& name, const Tensor& weights) {
    Shape shape;
    for (const int64_t size : weights.sizes()) shape.push_back(Extent(size));
    return add_entry({name, Type(weights.dtype(), shape), StateRole::parameter, false}, weights);
  }

  /// Entries that somebody still reads as floats, then each product's integers.
  void add_state() {
    std::set<NodeId> read;
    for (size_t id = 0; id < graph_.nodes().size(); ++id) {
      const Node& node = graph_.nodes()[id];
      const bool product = plan_.products.contains(static_cast<NodeId>(id));
      for (size_t i = 0; i < node.operands.size(); ++i) {
        const bool weights = i == 1 || (i == 2 && plan_bias(static_cast<NodeId>(id)));
        if (!product || !weights) read.insert(node.operands[i].node);
      }
    }
    for (const NamedValue& output : graph_.outputs()) read.insert(output.value.node);
    for (size_t i = 0; i < model_.program.state.size(); ++i)
      if (read.contains(graph_.inputs()[i]))
        floats_[{graph_.inputs()[i], 0}] = add_entry(model_.program.state[i], model_.weights[i]);
    for (const auto& [id, product] : plan_.products) add_product(product);
  }
  bool plan_bias(NodeId id) const {
    const auto product = plan_.products.find(id);
    return product != plan_.products.end() && product->second.bias;
  }

  void add_product(const ProductPlan& product) {
    const Node& node = graph_.node(product.node);
    const IntegerForm input = form_of(node.operands[0]);
    const double result_scale =
        is_integer({product.node, 0}) ? form_of({product.node, 0}).scale : 1.0;
    const Tensor& filter = model_.weights[product.filter];
    const QuantizedWeights weights = quantize_weights(
        product.transpose_filter ? transposed(filter) : filter,
        product.bias ? model_.weights[*product.bias] : Tensor(), input.scale, result_scale);
    std::string name = model_.program.state[product.filter].name;
    // A filter that several products share is kept for each: their inputs have other scales.
    for (int n = 1; !names_.insert(name).second; ++n)
      name = fmt::format("{}_{}", model_.program.state[product.filter].name, n);
    weights_[product.node] = {add_weights(name, weights.filter),
                              add_weights(name + "/bias", weights.bias),
                              add_weights(name + "/multiplier", weights.multiplier)};
    sqnr_[product.node] = weights.sqnr;
  }

  Value as_float(ValueId value) {
    if (const auto found = floats_.find(value); found != floats_.end()) return found->second;
    return floats_[value] = dequantize(integers_.at(value), {.scale = form_of(value).scale});
  }
  Value as_integers(ValueId value) {
    if (const auto found = integers_.find(value); found != integers_.end()) return found->second;
    const IntegerForm form = form_of(value);
    return integers_[value] =
               quantize(floats_.at(value), {.scale = form.scale, .dtype = form.dtype});
  }

  void write_node(NodeId id) {
    const Node& node = graph_.node(id);
    const LabelScope label(builder_, node.label);
    if (const auto product = plan_.products.find(id); product != plan_.products.end())
      return write_product(product->second);
    if (const auto reason = plan_.reasons.find(id); reason != plan_.reasons.end())
      result_.layers.push_back(
          {.label = node.label, .op = node.op->name, .reason = reason->second});
    const bool moved = is_integer({id, 0}) && moves_elements(node);
    std::vector<Value> operands;
    for (const ValueId& operand : node.operands)
      operands.push_back(moved ? as_integers(operand) : as_float(operand));
    const std::vector<Value> results =
        builder_.emit(*node.op, operands, node.attributes, node.regions);
    for (size_t r = 0; r < results.size(); ++r)
      (moved && r == 0 ? integers_ : floats_)[{id, static_cast<int32_t>(r)}] = results[r];
  }

  void write_product(const ProductPlan& product) {
    const Node& node = graph_.node(product.node);
    const ValueId result{product.node, 0};
    const IntegerForm input = form_of(node.operands[0]);
    std::vector<Value> operands = {as_integers(node.operands[0])};
    for (const Value& weights : weights_.at(product.node)) operands.push_back(weights);
    RequantizeAttributes requantize;
    if (is_integer(result)) requantize.dtype = form_of(result).dtype;
    const double scale = is_integer(result) ? form_of(result).scale : 1.0;
    requantize.limit = static_cast<float>(6 / scale);
    if (product.residual) {
      operands.push_back(as_integers(node.operands.back()));
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
    (is_integer(result) ? integers_ : floats_)[result] = y;
    result_.layers.push_back({.label = node.label,
                              .op = node.op->name,
                              .quantized = true,
                              .input = ranges_.at(plan_.integers.at(node.operands[0])),
                              .input_scale = input.scale,
                              .input_type = input.dtype,
                              .result_type = requantize.dtype,
                              .weight_sqnr = sqnr_.at(product.node)});
  }

  const Model& model_;
  const Graph& graph_;
  QuantizePlan plan_;
  const ValueRanges& ranges_;
  Builder builder_;
  QuantizedModel result_;
  std::set<std::string> names_;
  std::map<NodeId, std::vector<Value>> weights_;
  std::map<NodeId, double> sqnr_;
  std::map<ValueId, Value> floats_, integers_;
};

}  // namespace

ValueRanges calibrate_model(const Model& folded, const Dataset& data,
                            const CalibrationOptions& options) {
  const std::vector<ValueId> observed = plan_quantization(folded.program, {}).observed();
  ValueRanges ranges;
  if (observed.empty()) return ranges;
  const std::vector<TensorRange> found = ranges_of(folded, observed, data, options);
  for (size_t i = 0; i < observed.size(); ++i) ranges[observed[i]] = found[i];
  return ranges;
}

QuantizedModel quantize_model(const Model& folded, const ValueRanges& ranges,
                              const std::set<std::string, std::less<>>& float_layers) {
  return ModelWriter(folded, plan_quantization(folded.program, float_layers), ranges).write();
}

}  // namespace brisk
