#include "brisk/compress/scaling/scalable_channels.h"

#include <algorithm>

#include "brisk/ops/fused/fused.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

// A walk over the graph that gives the last axis of each value, its channels, to the table of units
// (brisk/compress/channel_units.h), whose classes here are of one factor instead of one fate:
// unlike there, a depthwise convolution's channels are not those that it reads, for its filter
// stands between them.

namespace brisk {
namespace {

class ScalingWalk {
 public:
  explicit ScalingWalk(const Program& folded)
      : graph_(folded.graph),
        plan_(plan_quantization(folded, {})),
        readers_(graph_.nodes().size()) {
    for (const Node& node : graph_.nodes())
      for (const ValueId& operand : node.operands) ++readers_[static_cast<size_t>(operand.node)];
    for (const NamedValue& output : graph_.outputs())
      ++readers_[static_cast<size_t>(output.value.node)];
  }

  ScalableChannels run() {
    for (size_t id = 0; id < graph_.nodes().size(); ++id) {
      const Node& node = graph_.nodes()[id];
      if (node.op->name == "input") {
        const AxisId axis = new_axis(node.results[0]);
        units().pin(axis, "it is an input");
        axes_[{static_cast<NodeId>(id), 0}] = axis;
        continue;
      }
      const AxisId axis = channels_of(node, static_cast<NodeId>(id));
      axes_[{static_cast<NodeId>(id), 0}] = axis;
      for (size_t r = 1; r < node.results.size(); ++r)
        axes_[{static_cast<NodeId>(id), static_cast<int32_t>(r)}] = pinned(node.results[r]);
    }
    for (const NamedValue& output : graph_.outputs())
      units().pin(axes_.at(output.value), "it is a result");
    return std::move(result_);
  }

 private:
  UnitTable& units() { return result_.units; }
  const Shape& shape(ValueId value) const { return graph_.type(value).shape(); }
  AxisId in(const Node& node, size_t operand) const { return axes_.at(node.operands[operand]); }

  AxisId new_axis(const Type& type) {
    if (!type.is_tensor() || type.shape().rank() == 0) return -1;
    const Extent& last = type.shape()[type.shape().rank() - 1];
    return last.is_named() ? -1 : units().add_axis(last.size());
  }
  AxisId pinned(const Type& type) {
    const AxisId axis = new_axis(type);
    units().pin(axis, "no rule makes it");
    return axis;
  }
  /// No rule: what is read and made stays as it is.
  AxisId held(const Node& node) {
    for (size_t i = 0; i < node.operands.size(); ++i) units().pin(in(node, i), node.op->name);
    return pinned(node.results[0]);
  }

  AxisId channels_of(const Node& node, NodeId id) {
    const std::string& op = node.op->name;
    if (node.results.empty() || !node.results[0].is_tensor() || !node.regions.empty())
      return held(node);
    if (const auto product = plan_.products.find(id); product != plan_.products.end())
      return made(node, product->second);
    if (op == "relu" || op == "max_pool" || op == "average_pool") return in(node, 0);
    if (op == "add") return added(node);
    if (op == "reduce_mean" || op == "reduce_sum" || op == "reduce_max") return reduced(node);
    if (op == "reshape") return reshaped(node);
    if (op == "transpose") return transposed(node);
    if (op == "concatenate") return concatenated(node);
    return held(node);
  }

  AxisId made(const Node& node, const ProductPlan& product) {
    const AxisId outputs = new_axis(node.results[0]);
    // Weights that somebody else reads, too, cannot follow two classes.
    const bool shared = readers_[static_cast<size_t>(node.operands[1].node)] > 1 ||
                        (product.bias && readers_[static_cast<size_t>(node.operands[2].node)] > 1);
    if (shared) {
      units().pin(in(node, 0), "its weights are shared");
      units().pin(outputs, "its weights are shared");
    }
    if (product.residual) units().join_axes(outputs, axes_.at(node.operands.back()));
    const Activation activation = node.op->name == "fused_dot"
                                      ? node.attributes.as<FusedDotAttributes>().activation
                                      : node.attributes.as<FusedConvolutionAttributes>().activation;
    if (activation == Activation::relu6) units().pin(outputs, "it is cut off at 6");
    result_.products.push_back({product, in(node, 0), outputs});
    return outputs;
  }

  AxisId added(const Node& node) {
    if (shape(node.operands[0]) != shape(node.operands[1])) return held(node);
    units().join_axes(in(node, 0), in(node, 1));
    return in(node, 0);
  }

  AxisId reduced(const Node& node) {
    const auto& attributes = node.attributes.as<ReduceAttributes>();
    const int64_t last = shape(node.operands[0]).rank() - 1;
    const bool kept =
        std::find(attributes.axes.begin(), attributes.axes.end(), last) == attributes.axes.end();
    return kept && !attributes.axes.empty() ? in(node, 0) : held(node);
  }

  /// What keeps the last axis, or flattens others into it.
  AxisId reshaped(const Node& node) {
    const AxisId from = in(node, 0), to = new_axis(node.results[0]);
    if (from < 0 || to < 0 || units().extent(from) == 0 ||
        units().extent(to) % units().extent(from) != 0)
      return units().pin(to, "a reshape splits it"), held(node);
    for (int64_t i = 0; i < units().extent(to); ++i)
      units().join(to, i, from, i % units().extent(from));
    return to;
  }

  AxisId transposed(const Node& node) {
    const auto& permutation = node.attributes.as<TransposeAttributes>().permutation;
    return permutation.back() == std::ssize(permutation) - 1 ? in(node, 0) : held(node);
  }

  AxisId concatenated(const Node& node) {
    const int64_t rank = node.results[0].shape().rank();
    const int64_t along =
        normalize_axis(node.attributes.as<AxisAttributes>().axis, rank, node.op->name);
    if (along != rank - 1) {
      for (size_t i = 1; i < node.operands.size(); ++i) units().join_axes(in(node, 0), in(node, i));
      return in(node, 0);
    }
    const AxisId whole = new_axis(node.results[0]);
    if (whole < 0) return held(node);
    int64_t offset = 0;
    for (size_t i = 0; i < node.operands.size(); ++i)
      for (int64_t c = 0; c < units().extent(in(node, i)); ++c)
        units().join(whole, offset++, in(node, i), c);
    return whole;
  }

  const Graph& graph_;
  const QuantizePlan plan_;
  std::vector<int64_t> readers_;  ///< by node
  std::map<ValueId, AxisId> axes_;
  ScalableChannels result_;
};

}  // namespace

ScalableChannels scalable_channels(const Program& folded) {
  return ScalingWalk(folded).run();
}

}  // namespace brisk
