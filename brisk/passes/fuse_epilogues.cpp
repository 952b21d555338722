#include "brisk/passes/fuse_epilogues.h"

#include <array>

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

enum class Side : uint8_t { first, last };

/// Where the contracted axes of an operand stand, if they are its first or its last ones in order.
std::optional<Side> side_of(const std::vector<int64_t>& contract, int64_t rank) {
  const auto count = static_cast<int64_t>(contract.size());
  const auto begins_at = [&](int64_t start) {
    for (int64_t i = 0; i < count; ++i)
      if (contract[static_cast<size_t>(i)] != start + i) return false;
    return true;
  };
  if (count == 0 || count == rank) return std::nullopt;
  if (begins_at(rank - count)) return Side::last;
  if (begins_at(0)) return Side::first;
  return std::nullopt;
}

/// The operand as a matrix: its first `axes` axes as one, the others as another.
Value as_matrix(Value x, int64_t axes) {
  if (x.rank() == 2 && axes == 1) return x;
  int64_t rows = 1;
  for (int64_t axis = 0; axis < axes; ++axis) rows *= x.shape().size(axis);
  const int64_t elements = x.shape().num_elements();
  return reshape(x, {Extent(rows), Extent(rows == 0 ? 0 : elements / rows)});
}

/// Contractions of whole runs of axes are products of matrices, in any of the four orientations.
Replacement fuse_dot(const Node& node, std::span<const Value> operands) {
  const auto& dot = node.attributes.as<DotAttributes>();
  const Value &lhs = operands[0], &rhs = operands[1];
  if (!dot.lhs_batch.empty() || !is_floating(lhs.dtype())) return std::nullopt;
  const auto is_flat = [](const Value& x) {
    return x.rank() == 2 || (x.shape().is_static() && x.shape().num_elements() > 0);
  };
  if (!is_flat(lhs) || !is_flat(rhs)) return std::nullopt;
  const std::optional<Side> left = side_of(dot.lhs_contract, lhs.rank()),
                            right = side_of(dot.rhs_contract, rhs.rank());
  if (!left || !right) return std::nullopt;
  const auto count = static_cast<int64_t>(dot.lhs_contract.size());
  const FusedDotAttributes attributes{.transpose_lhs = left == Side::first,
                                      .transpose_rhs = right == Side::last};
  const Value product =
      fused_dot(std::array{as_matrix(lhs, left == Side::first ? count : lhs.rank() - count),
                           as_matrix(rhs, right == Side::first ? count : rhs.rank() - count)},
                attributes);
  const Shape& shape = node.results[0].shape();
  return std::vector<Value>{product.shape() == shape ? product : reshape(product, shape)};
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
      if (auto fused =
              absorb_flat_add(builder, node.operands[side], operands[side], operands[1 - side]))
        return fused;
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

  /// The product of matrices stands behind a reshape to more axes, and the bias belongs to the last
  /// ones, which are the matrix's columns.
  Replacement absorb_flat_add(Builder& builder, ValueId before, Value x, Value other) const {
    const Node& shaped = builder.node(x.id.node);
    const Node& spread = builder.node(other.id.node);
    if (shaped.op->name != "reshape" || spread.op->name != "broadcast") return std::nullopt;
    if (!is_private(graph_.node(before.node).operands[0])) return std::nullopt;
    const Value product{&builder, shaped.operands[0]}, bias{&builder, spread.operands[0]};
    if (builder.node(product.id.node).op->name != "fused_dot") return std::nullopt;
    const auto& axes = spread.attributes.as<BroadcastAttributes>().axes;
    for (size_t i = 0; i < axes.size(); ++i) {
      const auto from_end = static_cast<int64_t>(axes.size() - i);
      if (axes[i] != other.rank() - from_end ||
          bias.shape()[static_cast<int64_t>(i)] != other.shape()[axes[i]])
        return std::nullopt;
    }
    const int64_t columns = product.shape().size(1);
    if (bias.shape().num_elements() != columns) return std::nullopt;
    const Value flat = bias.rank() == 1 ? bias : reshape(bias, {columns});
    const auto fused = absorb_add(builder, product, broadcast(flat, product.shape(), {1}));
    if (!fused) return std::nullopt;
    return std::vector<Value>{reshape(fused->front(), x.shape())};
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
