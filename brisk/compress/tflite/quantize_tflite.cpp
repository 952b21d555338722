#include "brisk/compress/tflite/quantize_tflite.h"

#include <algorithm>
#include <cmath>

#include "brisk/compress/integer_writer.h"
#include "brisk/compress/tflite/tflite_plan.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/tflite/tflite.h"

namespace brisk {
namespace {

/// What the integers of a value count in.
struct Grid {
  double scale = 1;  ///< an f32 number
  int64_t zero_point = 0;
};

/// 256 steps from the lowest to the greatest value, moved so that 0 is one of them.
Grid grid_of(const TensorRange& range) {
  const double low = std::min(0.0, std::max(range.low, -range.magnitude));
  const double high = std::max(0.0, std::min(range.high, range.magnitude));
  if (high == low) return {};
  const double scale = static_cast<float>((high - low) / 255);
  return {scale, static_cast<int64_t>(std::clamp(std::round(-128 - low / scale), -128.0, 127.0))};
}

/// As many steps to both sides of 0.
Grid symmetric_grid_of(const TensorRange& range) {
  const double most = std::max(std::min(std::fabs(range.low), range.magnitude),
                               std::min(std::fabs(range.high), range.magnitude));
  return most == 0 ? Grid{} : Grid{static_cast<float>(most / 32767), 0};
}

Activation activation_of(const Node& node) {
  return node.op->name == "relu" ? Activation::relu : Activation::relu6;
}

class TfliteWriter : public IntegerWriter {
 public:
  TfliteWriter(const Model& model, TflitePlan plan, const ValueRanges& ranges,
               const RoundedFilters& rounded, DType activations)
      : IntegerWriter(model, plan, rounded),
        steps_(std::move(plan)),
        ranges_(ranges),
        type_(activations) {}

 private:
  bool is_short() const { return type_ == DType::i16; }
  Grid grid(ValueId value) const {
    const ValueId owner = plan_.integers.at(value);
    if (!steps_.is_fixed(owner))
      return is_short() ? symmetric_grid_of(ranges_.at(owner)) : grid_of(ranges_.at(owner));
    if (is_short()) return {1.0 / 32768, 0};
    return steps_.steps.at(owner.node) == TfliteStep::tanh ? Grid{1.0 / 128, 0}
                                                           : Grid{1.0 / 256, -128};
  }
  TfliteInputAttributes input_of(ValueId value) const {
    return {grid(value).scale, grid(value).zero_point};
  }
  TfliteOutputAttributes output_of(ValueId value, Activation activation = Activation::none) const {
    return {grid(value).scale, grid(value).zero_point, activation};
  }

  QuantizedWeights weights_of(const ProductPlan& product) const override {
    return quantize_tflite_weights(
        filter_of(product), product.bias ? model_.weights[*product.bias] : Tensor(),
        grid(graph_.node(product.node).operands[0]).scale, grid({product.node, 0}).scale,
        rounded(product), is_short() ? DType::i64 : DType::i32);
  }
  Value to_floats(Value integers, ValueId value) override {
    return dequantize(integers, {grid(value).scale, grid(value).zero_point});
  }
  Value to_integers(Value floats, ValueId value) override {
    return tflite_quantize(floats, {grid(value).scale, grid(value).zero_point, type_});
  }

  Value product(const ProductPlan& product, Value integers, Value) override {
    const Node& node = graph_.node(product.node);
    const ValueId result{product.node, 0};
    const Grid input = grid(node.operands[0]);
    std::vector<Value> operands = {integers};
    for (const Value& value : weights(product)) operands.push_back(value);
    add_layer(product, {.input = ranges_.at(plan_.integers.at(node.operands[0])),
                        .input_scale = input.scale,
                        .input_type = type_,
                        .result_type = type_});
    if (node.op->name == "fused_dot")
      return tflite_dot(
          operands,
          {.input_zero_point = input.zero_point,
           .output = output_of(result, node.attributes.as<FusedDotAttributes>().activation)});
    const auto& attributes = node.attributes.as<FusedConvolutionAttributes>();
    return tflite_convolution(operands, {.convolution = attributes.convolution,
                                         .input_zero_point = input.zero_point,
                                         .output = output_of(result, attributes.activation)});
  }

  /// A sum or product of two values, as integers of `result`.
  Value binary(const Node& node, ValueId result, Activation activation) {
    const TfliteInputAttributes lhs = input_of(node.operands[0]), rhs = input_of(node.operands[1]);
    const TfliteBinaryAttributes attributes = {.lhs_scale = lhs.input_scale,
                                               .lhs_zero_point = lhs.input_zero_point,
                                               .rhs_scale = rhs.input_scale,
                                               .rhs_zero_point = rhs.input_zero_point,
                                               .output = output_of(result, activation)};
    const Value a = as_integers(node.operands[0]), b = as_integers(node.operands[1]);
    return node.op->name == "add" ? tflite_add(a, b, attributes)
                                  : tflite_multiply(a, b, attributes);
  }

  /// Integers of `value` in the units of `result`.
  Value brought_to(ValueId value, ValueId result) {
    const Value x = as_integers(value);
    const Grid from = grid(value), to = grid(result);
    if (from.scale == to.scale && from.zero_point == to.zero_point) return x;
    return tflite_requantize(
        x, {.input = input_of(value), .output = output_of(result), .dtype = type_});
  }

  Value integers_of(const Node& node, NodeId id, TfliteStep step) {
    const ValueId own{id, 0}, first = node.operands[0];
    switch (step) {
      case TfliteStep::add:
      case TfliteStep::multiply:
        return binary(node, own, Activation::none);
      case TfliteStep::merged:
        return binary(graph_.node(first.node), own, activation_of(node));
      case TfliteStep::requantize:
        return tflite_requantize(as_integers(first), {.input = input_of(first),
                                                      .output = output_of(own, activation_of(node)),
                                                      .dtype = type_});
      case TfliteStep::average_pool:
        return tflite_average_pool(as_integers(first),
                                   {.window = node.attributes.as<AveragePoolAttributes>().window,
                                    .output = output_of(own)});
      case TfliteStep::mean:
        return tflite_mean(as_integers(first), {.reduce = node.attributes.as<ReduceAttributes>(),
                                                .input = input_of(first),
                                                .output = output_of(own)});
      case TfliteStep::softmax:
        return tflite_softmax(as_integers(first), {.input_scale = grid(first).scale});
      case TfliteStep::logistic:
        return tflite_logistic(as_integers(first), input_of(first));
      case TfliteStep::tanh:
        return tflite_tanh(as_integers(first), input_of(first));
      case TfliteStep::concatenate: {
        std::vector<Value> parts;
        for (const ValueId& operand : node.operands) parts.push_back(brought_to(operand, own));
        return copy(node, parts)[0];
      }
      case TfliteStep::product:
      case TfliteStep::move:
        break;
    }
    invariant(false, "'{}' is written as it is", node.op->name);
    return {};
  }

  void write_node(NodeId id) override {
    const auto found = steps_.steps.find(id);
    if (steps_.activations.contains(id)) return;  // comes with its activation
    if (found == steps_.steps.end()) return write_copy(id, false);
    if (found->second == TfliteStep::product) return write_product(id);
    if (found->second == TfliteStep::move) return write_copy(id, true);
    const Node& node = graph_.node(id);
    const LabelScope label(builder_, node.label);
    set_integers({id, 0}, integers_of(node, id, found->second));
  }

  const TflitePlan steps_;
  const ValueRanges& ranges_;
  DType type_;
};

/// Labels of products whose sums are too long for 16-bit activations.
std::set<std::string, std::less<>> long_sums(const Model& model, const TflitePlan& plan) {
  std::set<std::string, std::less<>> labels;
  for (const auto& [id, product] : plan.products) {
    const Tensor& filter = model.weights[product.filter];
    const int64_t channels =
        product.transpose_filter ? filter.sizes().front() : filter.sizes().back();
    if (filter.num_elements() > channels * kTfliteMostTerms)
      labels.insert(model.program.graph.node(id).label);
  }
  return labels;
}

}  // namespace

ValueRanges calibrate_tflite(const Model& split, const Dataset& data,
                             const CalibrationOptions& options) {
  return calibrate_values(split, plan_tflite(split.program, {}).observed(), data, options);
}

QuantizedModel quantize_tflite(const Model& split, const ValueRanges& ranges,
                               const std::set<std::string, std::less<>>& float_layers,
                               const RoundedFilters& rounded, DType activations) {
  require(activations == DType::i8 || activations == DType::i16,
          "in TFLite's arithmetic activations are i8 or i16, not {}", name(activations));
  std::set<std::string, std::less<>> floats = float_layers, too_long;
  if (activations == DType::i16)
    too_long = long_sums(split, plan_tflite(split.program, float_layers));
  floats.insert(too_long.begin(), too_long.end());
  QuantizedModel result =
      TfliteWriter(split, plan_tflite(split.program, floats), ranges, rounded, activations).write();
  for (QuantizedLayer& layer : result.layers)
    if (too_long.contains(layer.label)) layer.reason = "its sums are too long for 16 bits";
  return result;
}

}  // namespace brisk
