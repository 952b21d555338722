#include "brisk/passes/batch_norm/fuse_input_gradients.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/move/move.h"
#include "brisk/passes/use_counts.h"

// Behind `batch_norm_through_pointwise` the input gradient has two more terms: the input times a
// symmetric matrix, and a vector. All three make one op where the target takes it.

namespace brisk {
namespace {

class InputGradientFuser {
 public:
  InputGradientFuser(const Graph& graph, const LoweringTarget& target)
      : graph_(graph), target_(target), uses_(graph) {}

  Graph run() {
    return rewrite(
        graph_,
        [this](Builder& builder, const Node& node, NodeId,
               std::span<const Value> operands) -> std::optional<std::vector<Value>> {
          if (node.op->name != "scale_shift_relu_gradient" || !uses_.is_private(node.operands[0]))
            return std::nullopt;
          if (auto alone = input_gradient(builder, operands)) return alone;
          return with_moments(builder, node, operands);
        },
        false);
  }

 private:
  using Replacement = std::optional<std::vector<Value>>;

  bool is_native(std::string_view op) const { return target_.native_composites.contains(op); }

  static std::vector<Value> results_of(const ScaleShiftGradient& at) {
    return {at.dz, at.sum_x, at.sum};
  }

  Replacement input_gradient(Builder& builder, std::span<const Value> operands) const {
    if (!is_native("input_gradient_scale_shift")) return std::nullopt;
    const Node& producer = builder.node(operands[0].id.node);
    if (producer.op->name != "convolution_input_gradient") return std::nullopt;
    const Value dy{&builder, producer.operands[0]}, filter{&builder, producer.operands[1]};
    const auto attributes = producer.attributes.as<ConvolutionGradientAttributes>();
    return results_of(
        input_gradient_scale_shift(dy, filter, operands[1], operands[2], operands[3], attributes));
  }

  // Walks in the new graph, whose nodes here are copies of the old ones': `at` is a value of it,
  // `old` the same value before.
  struct Place {
    ValueId at, old;
  };
  const Node& producer(const Place& place) const { return graph_.node(place.old.node); }
  static Place operand(const Builder& builder, const Graph& graph, const Place& place, size_t i) {
    return {builder.node(place.at.node).operands[i], graph.node(place.old.node).operands[i]};
  }

  Replacement with_moments(Builder& builder, const Node& node,
                           std::span<const Value> operands) const {
    if (!is_native("moments_gradient_scale_shift")) return std::nullopt;
    const auto in = [&](const Place& place, size_t i) {
      return operand(builder, graph_, place, i);
    };
    const auto is = [&](const Place& place, std::string_view op) {
      return producer(place).op->name == op;
    };
    const Place sum{operands[0].id, node.operands[0]};
    if (!is(sum, "add")) return std::nullopt;
    const Place products = in(sum, 0), rounded = in(sum, 1);
    if (!is(products, "add") || !uses_.is_private(products.old)) return std::nullopt;
    const Place everywhere = is(rounded, "cast") ? in(rounded, 0) : rounded;  // f32 has no cast
    const Place gradient = in(products, 0), image = in(products, 1);
    if (!is(everywhere, "broadcast") || !is(gradient, "convolution_input_gradient") ||
        !is(image, "reshape") || !uses_.is_private(gradient.old) || !uses_.is_private(image.old))
      return std::nullopt;
    const Place offset = in(everywhere, 0), dot = in(image, 0);
    if (!is_per_channel(producer(everywhere)) || !is(dot, "dot_general") ||
        !uses_.is_private(dot.old) || !is_plain(producer(dot)))
      return std::nullopt;
    const Place rows = in(dot, 0), matrix = in(dot, 1);
    if (!is(rows, "reshape") || !is_symmetric(matrix.old)) return std::nullopt;
    const Place input = in(rows, 0);
    const auto value = [&](const Place& place) { return Value{&builder, place.at}; };
    if (value(input).type() != operands[1].type()) return std::nullopt;

    const ScaleShiftGradient fused = moments_gradient_scale_shift(
        value(in(gradient, 0)), value(in(gradient, 1)),
        {value(input), value(matrix), value(offset)}, operands[1], operands[2], operands[3],
        producer(gradient).attributes.as<ConvolutionGradientAttributes>());
    const Node& made = builder.node(fused.dz.id.node);
    std::vector<Type> types;
    for (const ValueId& id : made.operands) types.push_back(Value{&builder, id}.type());
    if (target_.takes_composite && !target_.takes_composite(made, types)) return std::nullopt;
    return results_of(fused);
  }

  /// A vector over the last axis.
  static bool is_per_channel(const Node& node) {
    const auto& axes = node.attributes.as<BroadcastAttributes>().axes;
    const auto last = static_cast<int64_t>(node.results[0].rank()) - 1;
    return axes.size() == 1 && axes[0] == last;
  }

  /// [rows, depth] times [depth, columns].
  static bool is_plain(const Node& node) {
    const auto& attributes = node.attributes.as<DotAttributes>();
    return attributes.lhs_batch.empty() && attributes.lhs_contract == std::vector<int64_t>{1} &&
           attributes.rhs_contract == std::vector<int64_t>{0} && node.results[0].rank() == 2;
  }

  /// Rounded from m + transpose(m).
  bool is_symmetric(ValueId matrix) const {
    const Node* node = &graph_.node(matrix.node);
    if (node->op->name == "cast") node = &graph_.node(node->operands[0].node);
    if (node->op->name != "add") return false;
    const Node& other = graph_.node(node->operands[1].node);
    return other.op->name == "transpose" && other.operands[0] == node->operands[0] &&
           other.results[0].rank() == 2;
  }

  const Graph& graph_;
  const LoweringTarget& target_;
  const UseCounts uses_;
};

Graph with_input_gradients(const Graph& graph, const LoweringTarget& target) {
  const Graph inside =
      map_regions(graph, [&](const Graph& region) { return with_input_gradients(region, target); });
  return InputGradientFuser(inside, target).run();
}

}  // namespace

Program fuse_input_gradients(Program program, const PassContext& context) {
  const auto& native = context.target.native_composites;
  if (native.contains("input_gradient_scale_shift") ||
      native.contains("moments_gradient_scale_shift"))
    program.graph = with_input_gradients(program.graph, context.target);
  return program;
}

}  // namespace brisk
