#include "brisk/compress/quantization_training.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "brisk/base/error.h"
#include "brisk/compress/fold_weights.h"
#include "brisk/compress/planned_rewrite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/activation.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/quantize/fake_quantize.h"
#include "brisk/ops/reduce/reduce.h"

// The training graph is the folded graph, written by the same plan as the integer graph, with
// fake_quantize where that one has integers and with the folding of weights in front. A filter's
// range is its greatest magnitude by channel at each step; a channel's scale by batch normalization
// changes nothing about its integers, so that zeros and shared values of the model's own kernels
// survive.
//
// In training, a value is rounded by the range that its batch has moved already (TFMOT's order).

namespace brisk {
namespace {

constexpr FakeQuantizeAttributes kSigned{8, true}, kUnsigned{8, false};

/// Of a node of the folded graph.
bool knows_of_training(const Node& node) {
  const std::vector<NamedAttribute> fields = node.attributes.list();
  return std::any_of(fields.begin(), fields.end(),
                     [](const NamedAttribute& field) { return field.name == "training"; });
}

class TrainingWriter : public PlannedRewrite {
 public:
  TrainingWriter(const Model& model, const FoldedProgram& folded, const QuantizePlan& plan,
                 const ValueRanges& first, const QuantizationTrainingOptions& options)
      : PlannedRewrite(folded.program, plan),
        model_(model),
        first_(first),
        options_(options),
        weights_(folded.weights) {}

  Model write() {
    result_.name = model_.name;
    result_.class_names = model_.class_names;
    result_.weights = model_.weights;
    Program& program = result_.program;
    std::vector<Value> state;
    for (const StateEntry& entry : model_.program.state) {
      state.push_back(builder_.input(entry.name, entry.type));
      program.state.push_back(entry);
    }
    for (const ValueId& value : plan_.observed()) add_magnitude(value);
    const std::vector<Value> folded = builder_.inline_graph(weights_, state);
    for (size_t i = 0; i < folded.size(); ++i) set_input(i, folded[i]);
    filters_ = folded;
    add_batch_inputs();
    std::vector<Builder::Output> outputs = write_nodes();
    program.num_results = static_cast<int64_t>(outputs.size());
    for (const auto& [entry, value] : updates_) {
      outputs.push_back({"update:" + program.state[entry].name, value});
      program.updates.push_back(static_cast<int64_t>(entry));
    }
    program.graph = builder_.finish(outputs);
    verify(program);
    return std::move(result_);
  }

 private:
  void add_magnitude(ValueId value) {
    const Node& node = graph_.node(value.node);
    std::string of =
        node.op->name == "input" ? node.attributes.as<InputAttributes>().name : node.label;
    if (is_before_residual(value)) of += "/product";
    std::string name = fmt::format("quantization/{}/magnitude", of);
    for (int n = 1; !names_.insert(name).second; ++n)
      name = fmt::format("quantization/{}_{}/magnitude", of, n);
    const Type type(DType::f32, {});
    const bool learned = options_.ranges == RangeRule::learned;
    // A learned one may come out below zero.
    const Value state = builder_.input(name, type);
    magnitudes_[value] = {result_.program.state.size(), learned ? abs(state) : state};
    result_.program.state.push_back(
        {name, type, learned ? StateRole::parameter : StateRole::statistic, learned});
    result_.weights.push_back(Tensor::scalar(DType::f32, first_.at(value).magnitude));
  }

  /// `floats` rounded by the range of `value`, whose elements they are. What is concatenated is
  /// rounded behind it, or else where it is read.
  Value rounded(Value floats, ValueId value) {
    return is_part(value) ? floats : rounded_by(floats, value, plan_.integers.at(value));
  }
  Value rounded_by(Value floats, ValueId value, ValueId source) {
    auto& [entry, magnitude] = magnitudes_.at(source);
    if (options_.ranges == RangeRule::moving_average && source == value)
      updates_[entry] = magnitude = moving_magnitude(floats, magnitude, options_.ema_decay);
    const bool is_signed = first_.at(source).is_signed();
    const auto factor = factors_.find(source);
    const Value high = factor == factors_.end() ? magnitude : magnitude * factor->second;
    const Value low = is_signed ? -high : builder_.scalar(DType::f32, 0);
    return fake_quantize(floats, low, high, is_signed ? kSigned : kUnsigned);
  }

  Value to_integers(Value floats, ValueId value) override { return rounded(floats, value); }
  Value to_floats(Value integers, ValueId) override { return integers; }
  Value joined(const Node& node, NodeId id) override {
    return rounded(PlannedRewrite::joined(node, id), {id, 0});
  }
  Value product_input(const ProductPlan& product) override {
    const Value x = PlannedRewrite::product_input(product);
    const ValueId value = graph_.node(product.node).operands[0];
    return is_part(value) ? rounded_by(x, value, plan_.integers.at(value)) : x;
  }

  /// Ops that would behave otherwise in training are written as what they do in inference.
  std::vector<Value> copy(const Node& node, std::span<const Value> operands) override {
    if (!knows_of_training(node)) return PlannedRewrite::copy(node, operands);
    return node.op->decompose_rule(
        {builder_, operands, node.attributes, node.regions, node.results});
  }

  /// A filter, channels last, and the greatest magnitude of each.
  struct Filter {
    Value x, greatest;
  };
  Filter filter_of(const ProductPlan& product) const {
    const Value filter = filters_.at(product.filter);
    const Value x = product.transpose_filter ? transpose(filter, {1, 0}) : filter;
    std::vector<int64_t> axes(static_cast<size_t>(x.rank() - 1));
    std::iota(axes.begin(), axes.end(), 0);
    return {x, reduce_max(abs(stop_gradient(x)), axes)};
  }
  /// By channel, the last axis: in [-127, 127] of the greatest magnitude at each step.
  Value rounded_filter(const ProductPlan& product) {
    const auto [x, greatest] = filter_of(product);
    const Value y = fake_quantize(x, -greatest, greatest, kSigned);
    return product.transpose_filter ? transpose(y, {1, 0}) : y;
  }

  /// What the integers of `source` count in.
  Value scale_of(ValueId source) const {
    const Value scale =
        magnitudes_.at(source).value / (first_.at(source).is_signed() ? 127.0 : 255.0);
    const auto factor = factors_.find(source);
    return factor == factors_.end() ? scale : scale * factor->second;
  }
  /// The scales of what is added as whole multiples of a fraction of the sum's, as quantize_model
  /// makes them. The factors that this takes are no concern of the gradient's.
  void fit_scales(const ProductPlan& product) {
    const ValueId sum{product.node, 0}, alone = before_residual(product.node);
    if (plan_.integers.at(sum) != sum) return;
    const Value residual = scale_of(plan_.integers.at(graph_.node(product.node).operands.back())),
                before = scale_of(sum), of_product = scale_of(alone),
                one = builder_.scalar(DType::f32, 1);
    const auto to_ratio = [&](Value x) { return maximum(round(x / kRatioStep), one) * kRatioStep; };
    const auto factor = [&](Value fitted, Value scale) {
      const Value fits = less(maximum(residual, of_product), before * (kGreatestRatio / 2));
      return stop_gradient(select(fits, fitted / scale, one));
    };
    const Value fitted = residual / to_ratio(residual / before);
    factors_[sum] = factor(fitted, before);
    factors_[alone] = factor(fitted * to_ratio(of_product / fitted), of_product);
  }

  /// 0, and 1 in training.
  Value is_training() {
    const Value zero = builder_.scalar(DType::f32, 0), one = builder_.scalar(DType::f32, 1);
    return moving_magnitude(one, zero, 0.5) * 2.0;
  }
  /// In inference, a bias of whole sums (quantize_weights). Trained are the biases themselves, as
  /// TFMOT has it: it takes many steps to another sum.
  Value rounded_bias(const ProductPlan& product) {
    const Value bias = filters_.at(*product.bias), greatest = filter_of(product).greatest;
    const auto everywhere = [&](Value number) { return broadcast_to(number, greatest.shape()); };
    const Value input =
        everywhere(scale_of(plan_.integers.at(graph_.node(product.node).operands[0])));
    const Value least =
        maximum(abs(bias) / (input * 1073741824.0), everywhere(builder_.scalar(DType::f32, 1e-30)));
    const Value step = input * maximum(greatest / 127.0, least);
    const Value by_rounding = round(bias / step) * step - bias;
    return bias + stop_gradient(by_rounding * everywhere(1.0 - is_training()));
  }

  Value product(const ProductPlan& product, Value input, Value residual) override {
    if (product.residual) fit_scales(product);
    const Node& node = graph_.node(product.node);
    std::vector<Value> operands = {input, rounded_filter(product)};
    if (product.bias) operands.push_back(rounded_bias(product));
    const Node alone = product.residual ? product_alone(node) : node;
    // In parts, which are differentiated as they stand.
    Value y = node.op->decompose_rule(
        {builder_, operands, alone.attributes, alone.regions, alone.results})[0];
    if (product.residual)
      y = activate(rounded(y, before_residual(product.node)) + residual,
                   node.attributes.as<FusedConvolutionAttributes>().activation);
    const ValueId result{product.node, 0};
    return is_integer(result) ? rounded(y, result) : y;
  }

  const Model& model_;
  const ValueRanges& first_;
  const QuantizationTrainingOptions& options_;
  const Graph& weights_;
  Model result_;
  std::set<std::string> names_;
  struct Magnitude {
    size_t entry;
    Value value;
  };
  std::map<ValueId, Magnitude> magnitudes_;
  std::map<ValueId, Value> factors_;  ///< of magnitudes that are fitted to others
  std::vector<Value> filters_;        ///< the folded state
  std::map<size_t, Value> updates_;   ///< by state entry
};

}  // namespace

std::span<const std::string_view> enum_names(RangeRule) {
  static constexpr std::array<std::string_view, 3> kNames = {"moving_average", "learned", "fixed"};
  return kNames;
}

QuantizationTraining::QuantizationTraining(const Model& model, const ValueRanges& ranges,
                                           QuantizationTrainingOptions options)
    : model_(model), first_(ranges), options_(std::move(options)) {
  require(options_.ema_decay > 0 && options_.ema_decay < 1,
          "ema_decay is {}, but must be in (0, 1)", options_.ema_decay);
  require(model.weights.size() == model.program.state.size(),
          "model '{}' has no weights yet: train it before it is trained with quantization",
          model.name);
  const FoldedProgram folded = fold_program(model);
  const QuantizePlan plan = plan_quantization(folded.program, options_.float_layers);
  require(!plan.products.empty(), "model '{}' has no product to quantize{}{}", model.name,
          plan.reasons.empty() ? "" : ": ",
          plan.reasons.empty() ? "" : plan.reasons.begin()->second);
  observed_ = plan.observed();
  training_ = TrainingWriter(model_, folded, plan, first_, options_).write();
}

Model QuantizationTraining::float_model(std::span<const Tensor> trained) const {
  Model result = model_;
  for (size_t i = 0; i < result.weights.size(); ++i) result.weights[i] = trained[i];
  return result;
}

ValueRanges QuantizationTraining::ranges(std::span<const Tensor> trained) const {
  ValueRanges result = first_;
  for (size_t i = 0; i < observed_.size(); ++i)
    result.at(observed_[i]).magnitude = std::fabs(trained[model_.weights.size() + i].get(0));
  return result;
}

QuantizedModel QuantizationTraining::deployed(std::span<const Tensor> trained) const {
  return quantize_model(fold_weights(float_model(trained)), ranges(trained), options_.float_layers);
}

std::string QuantizationTraining::describe() const {
  std::string text = fmt::format("8-bit integers in {} values, ranges {}", observed_.size(),
                                 enum_names(RangeRule{})[static_cast<size_t>(options_.ranges)]);
  if (options_.ranges == RangeRule::moving_average)
    text += fmt::format(" (ema_decay {})", options_.ema_decay);
  if (!options_.float_layers.empty())
    text += fmt::format(", float: {}", fmt::join(options_.float_layers, " "));
  return text;
}

}  // namespace brisk
