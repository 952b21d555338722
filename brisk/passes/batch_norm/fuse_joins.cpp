#include "brisk/passes/batch_norm/fuse_joins.h"

#include <utility>

#include "brisk/ir/rewrite.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"
#include "brisk/passes/takes_composite.h"
#include "brisk/passes/use_counts.h"

// dz = select(result > 0, skip + input_gradient, 0) and reduce_sum(cast(dz)), in either order of
// the addition; f32 has no cast. The op takes the place of dz; a sum that comes later is its second
// result. Where nothing sums dz, its parts stay: a loop does the same in one pass. Behind a
// projection, dz is also summed with what was normalised there (pointwise_join's skip): that sum is
// a third result.

namespace brisk {
namespace {

class JoinFuser {
 public:
  JoinFuser(const Graph& graph, const LoweringTarget& target)
      : graph_(graph), target_(target), uses_(graph), users_(graph.users()) {}

  Graph run() {
    return rewrite(
        graph_,
        [this](Builder& builder, const Node& node, NodeId id, std::span<const Value> operands) {
          return node.op->name == "select"       ? join(builder, node, id, operands)
                 : node.op->name == "reduce_sum" ? sum(builder, node, operands)
                                                 : std::nullopt;
        },
        false);
  }

 private:
  using Replacement = std::optional<std::vector<Value>>;

  const Node& producer(ValueId value) const { return graph_.node(value.node); }

  bool is_zero(ValueId value) const {
    const Node* node = &producer(value);
    while (node->op->name == "broadcast") node = &producer(node->operands[0]);
    if (node->op->name != "constant") return false;
    const Tensor& tensor = node->attributes.as<ConstantAttributes>().value;
    return tensor.num_elements() == 1 && tensor.get(0) == 0;
  }

  /// A sum of the value over all axes but the last, in the compute type.
  bool is_summed(NodeId id) const {
    for (const NodeId user : users_[static_cast<size_t>(id)]) {
      if (is_channel_sum(graph_.node(user))) return true;
      if (graph_.node(user).op->name != "cast") continue;
      for (const NodeId reader : users_[static_cast<size_t>(user)])
        if (is_channel_sum(graph_.node(reader))) return true;
    }
    return false;
  }

  bool is_channel_sum(const Node& node) const {
    if (node.op->name != "reduce_sum") return false;
    const auto& attributes = node.attributes.as<ReduceAttributes>();
    const auto rank = static_cast<int64_t>(graph_.type(node.operands[0]).rank());
    std::vector<int64_t> axes(static_cast<size_t>(rank - 1));
    for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
    return attributes.axes == axes && !attributes.keep_dims;
  }

  Replacement join(Builder& builder, const Node& node, NodeId id,
                   std::span<const Value> operands) const {
    const Node &open = producer(node.operands[0]), &both = producer(node.operands[1]);
    if (open.op->name != "greater" || both.op->name != "add" || !is_zero(node.operands[2]) ||
        !is_zero(open.operands[1]) || !uses_.is_private(node.operands[1]) || !is_summed(id))
      return std::nullopt;
    const auto copied = [&](const Value& value) -> const Node& {
      return builder.node(value.id.node);
    };
    for (const size_t own : {size_t{0}, size_t{1}}) {
      const Node& gradient = producer(both.operands[own]);
      if (gradient.op->name != "convolution_input_gradient" ||
          !uses_.is_private(both.operands[own]))
        continue;
      const std::vector<ValueId> sides = copied(operands[1]).operands;
      const Value result{&builder, copied(operands[0]).operands[0]};
      const std::vector<ValueId> factors = builder.node(sides[own].node).operands;
      const Value whole{&builder, sides[1 - own]}, dy{&builder, factors[0]},
          filter{&builder, factors[1]};
      if (result.type() != whole.type()) return std::nullopt;
      const Value skip = without_zeros(builder, both.operands[1 - own], whole);
      const auto attributes = gradient.attributes.as<ConvolutionGradientAttributes>();
      const std::optional<Value> factor = factor_of(builder, id, result);
      const GradientJoin joined = input_gradient_join(dy, filter, skip, result, attributes, factor);
      if (!takes_composite(target_, joined.dz)) continue;
      return std::vector<Value>{joined.dz};
    }
    return std::nullopt;
  }

  /// What dz, node `id` of the old graph, is multiplied with before it is summed, where that is the
  /// skip of a pointwise_join that gave `result`.
  std::optional<Value> factor_of(Builder& builder, NodeId id, const Value& result) const {
    const Node& end = builder.node(result.id.node);
    if (end.op->name != "pointwise_join") return std::nullopt;
    for (const NodeId user : users_[static_cast<size_t>(id)]) {
      const bool is_cast = graph_.node(user).op->name == "cast";
      for (const NodeId product : is_cast ? users_[static_cast<size_t>(user)] : std::vector{user})
        if (graph_.node(product).op->name == "multiply" && is_summed(product))
          return Value{&builder, end.operands[3]};
    }
    return std::nullopt;
  }

  /// Behind a 1x1 convolution with strides, the gradient at the places that it read; else `whole`.
  Value without_zeros(Builder& builder, ValueId old, const Value& whole) const {
    const Node& node = producer(old);
    if (node.op->name != "convolution_input_gradient" || !uses_.is_private(old)) return whole;
    auto attributes = node.attributes.as<ConvolutionGradientAttributes>();
    ConvolutionAttributes& geometry = attributes.convolution;
    const std::vector<ValueId> factors = builder.node(whole.id.node).operands;
    const Value dy{&builder, factors[0]}, filter{&builder, factors[1]};
    std::vector<int64_t> sizes = attributes.shape.sizes();
    for (size_t i = 0; i < geometry.strides.size(); ++i) {
      const bool is_plain = filter.shape().sizes()[i] == 1 && geometry.pad_low[i] == 0 &&
                            geometry.pad_high[i] == 0 && sizes[i + 1] % geometry.strides[i] == 0;
      if (!is_plain) return whole;
      sizes[i + 1] /= std::exchange(geometry.strides[i], 1);
    }
    if (sizes == attributes.shape.sizes()) return whole;
    return convolution_input_gradient(dy, filter, Shape(sizes), geometry);
  }

  Replacement sum(Builder& builder, const Node& node, std::span<const Value> operands) const {
    if (!is_channel_sum(node)) return std::nullopt;
    const auto uncast = [&](ValueId value) {
      const Node& producer = builder.node(value.node);
      return producer.op->name == "cast" ? producer.operands[0] : value;
    };
    const auto is_join = [&](ValueId dz) {
      return builder.node(dz.node).op->name == "input_gradient_join" && dz.result == 0 &&
             builder.node(dz.node).results[1] == node.results[0];
    };
    const ValueId summed = uncast(operands[0].id);
    if (is_join(summed)) return std::vector<Value>{Value{&builder, ValueId{summed.node, 1}}};
    const Node& product = builder.node(summed.node);
    if (product.op->name != "multiply") return std::nullopt;
    for (const size_t own : {size_t{0}, size_t{1}}) {
      const ValueId dz = uncast(product.operands[own]);
      if (!is_join(dz)) continue;
      const std::vector<ValueId>& joined = builder.node(dz.node).operands;
      if (joined.size() > 4 && joined[4] == uncast(product.operands[1 - own]))
        return std::vector<Value>{Value{&builder, ValueId{dz.node, 2}}};
    }
    return std::nullopt;
  }

  const Graph& graph_;
  const LoweringTarget& target_;
  const UseCounts uses_;
  const std::vector<std::vector<NodeId>> users_;
};

Graph joined(const Graph& graph, const LoweringTarget& target) {
  const Graph inside =
      map_regions(graph, [&](const Graph& region) { return joined(region, target); });
  return JoinFuser(inside, target).run();
}

}  // namespace

Program fuse_joins(Program program, const PassContext& context) {
  if (context.target.native_composites.contains("input_gradient_join"))
    program.graph = joined(program.graph, context.target);
  return program;
}

}  // namespace brisk
