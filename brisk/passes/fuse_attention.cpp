#include "brisk/passes/fuse_attention.h"

#include <map>

#include "brisk/ir/rewrite.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"
#include "brisk/passes/takes_composite.h"
#include "brisk/passes/use_counts.h"

// Read backwards from the product with the values: weights are a softmax, its operand a product of
// query and key that constants multiply and biases are added to. Heads stand at axis 1, as
// exporters put them; the op wants them behind the steps, so that transposes surround it, which
// meet those of the model and vanish (simplify). A value that something else reads ends the search:
// it would have to be computed anyway.

namespace brisk {
namespace {

bool is_heads_product(const Node& node, int64_t rhs_contract) {
  if (node.op->name != "dot_general" || node.results[0].rank() != 4) return false;
  const auto& dot = node.attributes.as<DotAttributes>();
  const std::vector<int64_t> batch = {0, 1};
  return dot.lhs_batch == batch && dot.rhs_batch == batch &&
         dot.lhs_contract == std::vector<int64_t>{3} &&
         dot.rhs_contract == std::vector<int64_t>{rhs_contract};
}

/// The number that every element is; nothing where it is no constant.
std::optional<double> constant_of(const Graph& graph, ValueId value) {
  const Node* node = &graph.node(value.node);
  while (node->op->name == "broadcast" || node->op->name == "reshape" || node->op->name == "cast")
    node = &graph.node(node->operands[0].node);
  if (node->op->name != "constant") return std::nullopt;
  const Tensor& tensor = node->attributes.as<ConstantAttributes>().value;
  return tensor.num_elements() == 1 ? std::optional(tensor.get(0)) : std::nullopt;
}

/// What stands between a softmax and its product, outermost first.
struct ScoreChain {
  double scale = 1;
  std::vector<ValueId> biases;
  ValueId query, key;
  bool key_upright = true;  ///< [batch, heads, S, size], not the last two exchanged
};

class ChainReader {
 public:
  explicit ChainReader(const Graph& graph) : graph_(graph), uses_(graph) {}

  std::optional<ScoreChain> read(const Node& product) const {
    if (!is_heads_product(product, 2) || !uses_.is_private(product.operands[0]))
      return std::nullopt;
    const Node& softmax = graph_.node(product.operands[0].node);
    if (softmax.op->name != "softmax" || softmax.attributes.as<AxisAttributes>().axis != 3)
      return std::nullopt;
    ScoreChain chain;
    ValueId at = softmax.operands[0];
    while (uses_.is_private(at)) {
      const Node& node = graph_.node(at.node);
      for (const int64_t rhs : {2, 3})
        if (is_heads_product(node, rhs)) {
          chain.query = node.operands[0];
          chain.key = node.operands[1];
          chain.key_upright = rhs == 3;
          return chain;
        }
      const auto inner = step(node, chain);
      if (!inner) return std::nullopt;
      at = *inner;
    }
    return std::nullopt;
  }

 private:
  /// Through one op towards the product; biases count only outside of all scaling.
  std::optional<ValueId> step(const Node& node, ScoreChain& chain) const {
    if (node.op->name == "divide" || node.op->name == "multiply") {
      for (const size_t side : {1u, 0u}) {
        const auto factor = constant_of(graph_, node.operands[side]);
        const bool divides = node.op->name == "divide";
        if (!factor || *factor == 0 || (divides && side == 0)) continue;
        chain.scale *= divides ? 1 / *factor : *factor;
        return node.operands[1 - side];
      }
      return std::nullopt;
    }
    if (node.op->name != "add" || chain.scale != 1) return std::nullopt;
    // The product's side is the private one that is no broadcast.
    for (const size_t side : {0u, 1u}) {
      const Node& inner = graph_.node(node.operands[side].node);
      const bool leads_on = inner.op->name == "dot_general" || inner.op->name == "add" ||
                            inner.op->name == "divide" || inner.op->name == "multiply";
      if (!leads_on || !uses_.is_private(node.operands[side])) continue;
      chain.biases.push_back(node.operands[1 - side]);
      return node.operands[side];
    }
    return std::nullopt;
  }

  const Graph& graph_;
  UseCounts uses_;
};

Value steps_before_heads(Value x) {
  return transpose(x, {0, 2, 1, 3});
}

/// A term of the scores as small as it was before it was spread over them.
Value narrow_bias(Value bias) {
  Builder& builder = *bias.builder;
  const Node& node = builder.node(bias.id.node);
  if (node.op->name != "broadcast") return bias;
  const Value source{&builder, node.operands[0]};
  const std::vector<int64_t> axes = node.attributes.as<BroadcastAttributes>().axes;
  Shape shape{1, 1, 1, 1};
  for (size_t i = 0; i < axes.size(); ++i) shape[axes[i]] = source.shape()[static_cast<int64_t>(i)];
  return reshape(source, shape);
}

class AttentionFuser {
 public:
  AttentionFuser(const Graph& graph, const LoweringTarget& target)
      : graph_(graph), reader_(graph), target_(target) {}

  std::optional<std::vector<Value>> operator()(Builder&, const Node& node, NodeId id,
                                               std::span<const Value> operands) {
    // What a node of the old graph is in the new one is known where something reads it.
    for (size_t i = 0; i < operands.size(); ++i)
      mapped_[{node.operands[i].node, node.operands[i].result}] = operands[i];
    const auto chain = reader_.read(graph_.node(id));
    if (!chain || !node.results[0].shape().is_static()) return std::nullopt;
    const DType type = node.results[0].dtype();
    const Value query = in_new(chain->query), key = in_new(chain->key), value = operands[1];
    if (query.dtype() != type || value.dtype() != type) return std::nullopt;
    Value bias;
    for (const ValueId term : chain->biases) {
      const Value narrow = narrow_bias(in_new(term));
      bias = bias.defined() ? bias + narrow : narrow;
    }
    const AttentionResult fused =
        dot_product_attention(steps_before_heads(query),
                              transpose(key, chain->key_upright ? std::vector<int64_t>{0, 2, 1, 3}
                                                                : std::vector<int64_t>{0, 3, 1, 2}),
                              steps_before_heads(value), bias, {.scale = chain->scale});
    if (!takes_composite(target_, fused.y)) return std::nullopt;
    return std::vector<Value>{steps_before_heads(fused.y)};
  }

 private:
  Value in_new(ValueId value) const { return mapped_.at({value.node, value.result}); }

  const Graph& graph_;
  ChainReader reader_;
  const LoweringTarget& target_;
  std::map<std::pair<int64_t, int64_t>, Value> mapped_;
};

Graph with_fused_attention(const Graph& graph, const LoweringTarget& target) {
  const Graph inside =
      map_regions(graph, [&](const Graph& region) { return with_fused_attention(region, target); });
  AttentionFuser fuser(inside, target);
  return rewrite(
      inside,
      [&](Builder& builder, const Node& node, NodeId id, std::span<const Value> operands) {
        return fuser(builder, node, id, operands);
      },
      false);
}

}  // namespace

Program fuse_attention(Program program, const PassContext& context) {
  if (context.target.native_composites.contains("dot_product_attention"))
    program.graph = with_fused_attention(program.graph, context.target);
  return program;
}

}  // namespace brisk
