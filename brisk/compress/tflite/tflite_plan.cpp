#include "brisk/compress/tflite/tflite_plan.h"

#include <algorithm>

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/window/window.h"
#include "brisk/passes/use_counts.h"

namespace brisk {
namespace {

bool is_activation(const Node& node) {
  if (node.op->name == "relu" || node.op->name == "relu6") return true;
  if (node.op->name != "clamp") return false;
  const auto& range = node.attributes.as<ClampAttributes>();
  return range.low == 0 && range.high == 6;
}

bool is_move(const Node& node) {
  static const std::set<std::string, std::less<>> moves = {"max_pool", "reshape", "transpose",
                                                           "slice",    "reverse", "broadcast"};
  return moves.contains(node.op->name);
}

/// Whether the mean of a window is that of the places inside the input.
bool is_integer_pool(const Node& node) {
  if (node.op->name != "average_pool") return false;
  const auto& pool = node.attributes.as<AveragePoolAttributes>();
  const auto is_zero = [](int64_t size) { return size == 0; };
  return !pool.count_padding || (std::ranges::all_of(pool.window.pad_low, is_zero) &&
                                 std::ranges::all_of(pool.window.pad_high, is_zero));
}

class TflitePlanner {
 public:
  TflitePlanner(const Program& program, const std::set<std::string, std::less<>>& float_layers)
      : graph_(program.graph), uses_(program.graph) {
    QuantizePlan products = plan_quantization(program, float_layers);
    plan_.products = std::move(products.products);
    plan_.reasons = std::move(products.reasons);
  }

  TflitePlan plan() {
    for (size_t id = 0; id < graph_.nodes().size(); ++id) add_node(static_cast<NodeId>(id));
    return std::move(plan_);
  }

 private:
  bool is_made(ValueId value) const { return plan_.steps.contains(value.node); }
  /// The range of floats that only move or average others is that of those.
  void read(ValueId value) {
    ValueId range = value;
    while (!is_made(range)) {
      const Node& node = graph_.node(range.node);
      if (range.result != 0 || !(is_move(node) || is_integer_pool(node))) break;
      range = node.operands[0];
    }
    if (const auto found = plan_.integers.find(range); found != plan_.integers.end())
      range = found->second;
    plan_.integers.emplace(value, range);
  }
  void make(NodeId id, TfliteStep step, ValueId range) {
    plan_.steps[id] = step;
    plan_.integers[{id, 0}] = range;
  }

  void add_node(NodeId id) {
    if (plan_.steps.contains(id)) return;  // an activation that is part of what it reads
    const Node& node = graph_.node(id);
    const ValueId own{id, 0};
    if (plan_.products.contains(id)) {
      read(node.operands[0]);
      return make(id, TfliteStep::product, own);
    }
    if (node.operands.empty() || graph_.type(own).dtype() != DType::f32) return;
    const std::string& op = node.op->name;
    if (op == "add" || op == "multiply" || op == "concatenate") {
      if (std::none_of(node.operands.begin(), node.operands.end(),
                       [&](ValueId operand) { return is_made(operand); }))
        return;
      for (const ValueId& operand : node.operands) read(operand);
      if (op == "concatenate") return make(id, TfliteStep::concatenate, own);
      make(id, op == "add" ? TfliteStep::add : TfliteStep::multiply, own);
      return merge_activation(id);
    }
    if (!is_made(node.operands[0])) return;
    const ValueId of_operand = plan_.integers.at(node.operands[0]);
    if (is_activation(node)) return make(id, TfliteStep::requantize, own);
    if (op == "reduce_mean") return make(id, TfliteStep::mean, own);
    if (op == "sigmoid") return make(id, TfliteStep::logistic, own);
    if (op == "tanh") return make(id, TfliteStep::tanh, own);
    if (op == "softmax" && node.attributes.as<AxisAttributes>().axis == graph_.type(own).rank() - 1)
      return make(id, TfliteStep::softmax, own);
    if (is_integer_pool(node)) return make(id, TfliteStep::average_pool, of_operand);
    if (is_move(node)) make(id, TfliteStep::move, of_operand);
  }

  void merge_activation(NodeId id) {
    if (!uses_.is_private({id, 0})) return;
    for (size_t next = static_cast<size_t>(id) + 1; next < graph_.nodes().size(); ++next) {
      const Node& reader = graph_.nodes()[next];
      if (reader.operands.empty() || reader.operands[0] != ValueId{id, 0}) continue;
      if (!is_activation(reader)) return;
      const auto activation = static_cast<NodeId>(next);
      plan_.activations[id] = activation;
      plan_.integers.erase({id, 0});
      return make(activation, TfliteStep::merged, {activation, 0});
    }
  }

  const Graph& graph_;
  UseCounts uses_;
  TflitePlan plan_;
};

}  // namespace

bool TflitePlan::is_fixed(ValueId value) const {
  const auto step = steps.find(value.node);
  return step != steps.end() &&
         (step->second == TfliteStep::softmax || step->second == TfliteStep::logistic ||
          step->second == TfliteStep::tanh);
}

TflitePlan plan_tflite(const Program& split,
                       const std::set<std::string, std::less<>>& float_layers) {
  return TflitePlanner(split, float_layers).plan();
}

}  // namespace brisk
