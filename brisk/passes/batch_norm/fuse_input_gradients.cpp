#include "brisk/passes/batch_norm/fuse_input_gradients.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/passes/batch_norm/copy_walk.h"
#include "brisk/passes/takes_composite.h"

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
  using Place = CopyWalk::Place;

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

  Replacement with_moments(Builder& builder, const Node& node,
                           std::span<const Value> operands) const {
    if (!is_native("moments_gradient_scale_shift")) return std::nullopt;
    const CopyWalk walk(builder, graph_, uses_);
    const Place sum{operands[0].id, node.operands[0]};
    if (!walk.is(sum, "add")) return std::nullopt;
    const Place products = walk.in(sum, 0), rounded = walk.in(sum, 1);
    if (!walk.is(products, "add") || !walk.is_private(products)) return std::nullopt;
    const auto offset = walk.per_channel(walk.uncast(rounded));
    const Place gradient = walk.in(products, 0), image = walk.in(products, 1);
    if (!offset || !walk.is(gradient, "convolution_input_gradient") || !walk.is(image, "reshape") ||
        !walk.is_private(gradient) || !walk.is_private(image))
      return std::nullopt;
    const Place dot = walk.in(image, 0);
    if (!walk.is(dot, "dot_general") || !walk.is_private(dot) || !is_plain(walk.producer(dot)))
      return std::nullopt;
    const Place rows = walk.in(dot, 0), matrix = walk.in(dot, 1);
    if (!walk.is(rows, "reshape") || !is_symmetric(matrix.old)) return std::nullopt;
    const Place input = walk.in(rows, 0);
    if (walk.value(input).type() != operands[1].type()) return std::nullopt;

    const ScaleShiftGradient fused = moments_gradient_scale_shift(
        walk.value(walk.in(gradient, 0)), walk.value(walk.in(gradient, 1)),
        {walk.value(input), walk.value(matrix), walk.value(*offset)}, operands[1], operands[2],
        operands[3], walk.producer(gradient).attributes.as<ConvolutionGradientAttributes>());
    if (!takes_composite(target_, fused.dz)) return std::nullopt;
    return results_of(fused);
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
