#include "brisk/passes/order_filters.h"

#include <algorithm>
#include <map>
#include <utility>

#include "brisk/ir/rewrite.h"
#include "brisk/ops/fused/filter_order.h"
#include "brisk/passes/takes_composite.h"

// An ordered_convolution is made here alone, behind all passes that rewrite convolutions: others
// are decomposed before. What is put in order are inputs of the graph (weights), through the cast
// to a short type where there is one; filters that are computed in the step have no place where all
// are known.

namespace brisk {
namespace {

/// Ops whose operand 1 is a filter.
bool reads_filter(const Node& node) {
  static const std::set<std::string, std::less<>> ops = {
      "convolution", "convolution_statistics", "fused_convolution", "convolution_input_gradient",
      "input_gradient_scale_shift"};
  return ops.contains(node.op->name);
}

class FilterOrderer {
 public:
  FilterOrderer(const Graph& graph, const LoweringTarget& target,
                const std::vector<bool>& constant_inputs)
      : graph_(graph), target_(target), constant_inputs_(constant_inputs) {
    for (size_t id = 0; id < graph.nodes().size(); ++id) {
      const Node& node = graph.nodes()[id];
      const auto input = filter_input(node);
      if (!input || !is_taken(node)) continue;
      const DType type = graph.type(node.operands[1]).dtype();
      std::vector<size_t>& inputs = inputs_[type];
      const auto known = std::ranges::find(inputs, *input);
      convolutions_[static_cast<NodeId>(id)] = {type, known - inputs.begin()};
      if (known == inputs.end()) inputs.push_back(*input);
    }
  }

  bool nothing() const { return convolutions_.empty(); }

  Graph run() {
    return rewrite(
        graph_,
        [this](Builder& builder, const Node& node, NodeId id,
               std::span<const Value> operands) -> std::optional<std::vector<Value>> {
          const auto found = convolutions_.find(id);
          if (found == convolutions_.end()) return std::nullopt;
          const auto& [type, number] = found->second;
          std::vector<Value>& ordered = ordered_[type];
          if (ordered.empty()) ordered = all_in_order(builder, type);
          std::vector<Value> changed(operands.begin(), operands.end());
          changed[1] = ordered[static_cast<size_t>(number)];
          return ordered_convolution(node, changed);
        },
        false);
  }

 private:
  /// The number of the input that is a convolution's filter, and that is not the same in all steps.
  std::optional<size_t> filter_input(const Node& node) const {
    if (!reads_filter(node)) return std::nullopt;
    NodeId id = node.operands[1].node;
    if (graph_.node(id).op->name == "cast") id = graph_.node(id).operands[0].node;
    const auto found = std::ranges::find(graph_.inputs(), id);
    if (found == graph_.inputs().end()) return std::nullopt;
    const auto number = static_cast<size_t>(found - graph_.inputs().begin());
    if (constant_inputs_[number] || !is_floating(graph_.input_type(number).dtype()))
      return std::nullopt;
    return number;
  }

  /// Asked of the node as it would be, which has its place in a graph of its own.
  bool is_taken(const Node& node) const {
    Builder alone(graph_.ops(), "alone");
    std::vector<Value> operands;
    for (size_t i = 0; i < node.operands.size(); ++i) {
      Value operand = alone.input(fmt::format("operand{}", i), graph_.type(node.operands[i]));
      if (i == 1) operand = ordered_filters(std::span(&operand, 1), operand.dtype())[0];
      operands.push_back(operand);
    }
    return takes_composite(target_, ordered_convolution(node, operands)[0]);
  }

  /// A rewritten graph begins with its inputs, in their order.
  std::vector<Value> all_in_order(Builder& builder, DType type) const {
    std::vector<Value> filters;
    for (const size_t input : inputs_.at(type))
      filters.push_back({&builder, {static_cast<NodeId>(input), 0}});
    return ordered_filters(filters, type);
  }

  const Graph& graph_;
  const LoweringTarget& target_;
  const std::vector<bool>& constant_inputs_;
  std::map<DType, std::vector<size_t>> inputs_;               ///< by the type that they are read in
  std::map<NodeId, std::pair<DType, int64_t>> convolutions_;  ///< type, number among its inputs
  std::map<DType, std::vector<Value>> ordered_;
};

Graph with_ordered_filters(const Graph& graph, const LoweringTarget& target,
                           const std::vector<bool>& constant_inputs) {
  const Graph inside = map_regions(graph, [&](const Graph& region) {
    return with_ordered_filters(region, target, std::vector<bool>(region.inputs().size(), false));
  });
  FilterOrderer orderer(inside, target, constant_inputs);
  return orderer.nothing() ? inside : orderer.run();
}

}  // namespace

Program order_filters(Program program, const PassContext& context) {
  if (!context.target.native_composites.contains("ordered_filters")) return program;
  std::vector<bool> constant = constant_state(program);
  constant.resize(program.graph.inputs().size(), false);
  program.graph = with_ordered_filters(program.graph, context.target, constant);
  return program;
}

}  // namespace brisk
