#include "brisk/passes/fuse_epilogues.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/move/move.h"

// Two rewrites in order. The first turns plain convolutions and contractions into their fused form
// without an epilogue; the second absorbs bias, residual and ReLU into a fused op whose result has
// no other user. Users are counted in the graph that the second rewrite reads.

namespace brisk {
namespace {

using Replacement = std::optional<std::vector<Value>>;

/// [m, k] x [k, n] in any of the four orientations of its operands.
Replacement fuse_dot(const Node& node, std::span<const Value> operands) {
  const auto& dot = node.attributes.as<DotAttributes>();
  if (!dot.lhs_batch.empty() || operands[0].rank() != 2 || operands[1].rank() != 2 ||
      dot.lhs_contract.size() != 1 || !is_floating(operands[0].dtype()))
    return std::nullopt;
  FusedDotAttributes attributes;
  attributes.transpose_lhs = dot.lhs_contract[0] == 0;
  attributes.transpose_rhs = dot.rhs_contract[0] == 1;
  return std::vector<Value>{fused_dot(operands, attributes)};
}

Graph form_fused_ops(const Graph& graph, const LoweringTarget& target) {
  return rewrite(
      graph,
      [&](Builder&, const Node& node, NodeId, std::span<const Value> operands) -> Replacement {
        if (node.op->name == "convolution" && target.fused_convolution)
          return std::vector<Value>{fused_convolution(
              operands, {.convolution = node.attributes.as<ConvolutionAttributes>()})};
        if (node.op->name == "dot_general" && target.fused_dot) return fuse_dot(node, operands);
        return std::nullopt;
      });
}

class EpilogueAbsorber {
 public:
  EpilogueAbsorber(const Graph& graph, bool relu6)
      : graph_(graph), relu6_(relu6), uses_(graph.nodes().size(), 0) {
    for (const Node& node : graph.nodes())
      for (const ValueId& operand : node.operands) ++uses_[static_cast<size_t>(operand.node)];
    for (const NamedValue& output : graph.outputs())
      ++uses_[static_cast<size_t>(output.value.node)];
  }

  Replacement operator()(Builder& builder, const Node& node,
                         std::span<const Value> operands) const {
    if (node.op->name == "relu" && is_private(node.operands[0]))
      return absorb_activation(builder, operands[0], Activation::relu);
    if (relu6_ && node.op->name == "relu6" && is_private(node.operands[0]))
      return absorb_activation(builder, operands[0], Activation::relu6);
    if (node.op->name != "add") return std::nullopt;
    for (const size_t side : {0u, 1u}) {
      if (!is_private(node.operands[side])) continue;
      if (auto fused = absorb_add(builder, operands[side], operands[1 - side])) return fused;
    }
    return std::nullopt;
  }

 private:
  bool is_private(ValueId value) const { return uses_[static_cast<size_t>(value.node)] == 1; }

  static std::vector<Value> values(Builder& builder, const Node& node) {
    std::vector<Value> result;
    for (const ValueId& operand : node.operands) result.push_back({&builder, operand});
    return result;
  }

  static Replacement absorb_activation(Builder& builder, Value x, Activation activation) {
    const Node& fused = builder.node(x.id.node);
    if (fused.op->name == "fused_convolution") {
      auto attributes = fused.attributes.as<FusedConvolutionAttributes>();
      if (attributes.activation != Activation::none) return std::nullopt;
      attributes.activation = activation;
      return std::vector<Value>{fused_convolution(values(builder, fused), attributes)};
    }
    if (fused.op->name == "fused_dot") {
      auto attributes = fused.attributes.as<FusedDotAttributes>();
      if (attributes.activation != Activation::none) return std::nullopt;
      attributes.activation = activation;
      return std::vector<Value>{fused_dot(values(builder, fused), attributes)};
    }
    return std::nullopt;
  }

  static Replacement absorb_add(Builder& builder, Value x, Value other) {
    const Node& fused = builder.node(x.id.node);
    const std::optional<Value> bias = channel_bias(builder, other);
    if (fused.op->name == "fused_convolution") {
      auto attributes = fused.attributes.as<FusedConvolutionAttributes>();
      if (attributes.activation != Activation::none || attributes.residual) return std::nullopt;
      std::vector<Value> operands = values(builder, fused);
      if (bias && !attributes.bias) {
        attributes.bias = true;
        operands.push_back(*bias);
      } else if (!bias && other.type() == x.type() && other != x) {
        attributes.residual = true;
        operands.push_back(other);
      } else {
        return std::nullopt;
      }
      return std::vector<Value>{fused_convolution(operands, attributes)};
    }
    if (fused.op->name == "fused_dot" && bias) {
      auto attributes = fused.attributes.as<FusedDotAttributes>();
      if (attributes.activation != Activation::none || attributes.bias) return std::nullopt;
      attributes.bias = true;
      std::vector<Value> operands = values(builder, fused);
      operands.push_back(*bias);
      return std::vector<Value>{fused_dot(operands, attributes)};
    }
    return std::nullopt;
  }

  /// The vector [channels] whose broadcast along the last axis `value` is.
  static std::optional<Value> channel_bias(Builder& builder, Value value) {
    const Node& node = builder.node(value.id.node);
    if (node.op->name != "broadcast") return std::nullopt;
    const Value bias{&builder, node.operands[0]};
    const auto& axes = node.attributes.as<BroadcastAttributes>().axes;
    if (bias.rank() != 1 || axes[0] != value.rank() - 1 ||
        bias.shape()[0] != value.shape()[axes[0]])
      return std::nullopt;
    return bias;
  }

  const Graph& graph_;
  bool relu6_;
  std::vector<int> uses_;
};

Graph absorb_epilogues(const Graph& graph, bool relu6) {
  const Graph inside =
      map_regions(graph, [&](const Graph& region) { return absorb_epilogues(region, relu6); });
  const EpilogueAbsorber absorber(inside, relu6);
  return rewrite(
      inside,
      [&](Builder& builder, const Node& node, NodeId, std::span<const Value> operands) {
        return absorber(builder, node, operands);
      },
      false);
}

}  // namespace

Program fuse_epilogues(Program program, const PassContext& context) {
  program.graph = form_fused_ops(program.graph, context.target);
  if (context.target.fused_convolution || context.target.fused_dot)
    program.graph = absorb_epilogues(program.graph, context.target.fused_relu6);
  return program;
}

}  // namespace brisk
