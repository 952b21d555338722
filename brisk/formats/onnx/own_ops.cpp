#include "brisk/formats/onnx/own_ops.h"

#include <optional>

#include "brisk/ir/rewrite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

namespace brisk::onnx {
namespace {

using Replacement = std::optional<Value>;
using Operands = std::span<const Value>;

struct Rule {
  std::string_view op, name;
  Replacement (*apply)(Builder& builder, const Node& node, Operands x);
};

/// The operand of x, where x is made by `op`.
Replacement operand_of(Builder& builder, const Value& x, std::string_view op) {
  const Node& node = builder.node(x.id.node);
  if (node.op->name != op) return std::nullopt;
  return Value{x.builder, node.operands[0]};
}

Replacement same_factors(Builder&, const Node&, Operands x) {
  return x[0] == x[1] ? Replacement(square(x[0])) : std::nullopt;
}

/// In short floats silu rounds once, the product of two twice.
Replacement times_sigmoid(Builder& builder, const Node&, Operands x) {
  const Replacement inner = operand_of(builder, x[1], "sigmoid");
  const bool found = inner && *inner == x[0] && compute_type(x[0].dtype()) == x[0].dtype();
  return found ? Replacement(silu(x[0])) : std::nullopt;
}

Replacement reciprocal_of_root(Builder& builder, const Node&, Operands x) {
  const Replacement inner = operand_of(builder, x[0], "sqrt");
  return inner ? Replacement(rsqrt(*inner)) : std::nullopt;
}

Replacement not_of_equal(Builder& builder, const Node&, Operands x) {
  const Node& inner = builder.node(x[0].id.node);
  if (inner.op->name != "equal") return std::nullopt;
  return not_equal({x[0].builder, inner.operands[0]}, {x[0].builder, inner.operands[1]});
}

/// The end of an axis as a number, where it has one.
Replacement slice_to_the_end(Builder&, const Node& node, Operands x) {
  SliceAttributes slices = node.attributes.as<SliceAttributes>();
  bool changed = false;
  for (size_t i = 0; i < slices.limits.size(); ++i) {
    const Extent& extent = x[0].shape()[static_cast<int64_t>(i)];
    if (slices.limits[i] != -1 || extent.is_named()) continue;
    slices.limits[i] = extent.size();
    changed = true;
  }
  if (!changed) return std::nullopt;
  return slice(x[0], slices.starts, slices.limits, slices.steps);
}

/// A list of indices, spread over the other axes: ONNX's Range is a list.
Replacement iota_of_several_axes(Builder& builder, const Node& node, Operands) {
  const auto& a = node.attributes.as<IotaAttributes>();
  if (a.shape.rank() < 2) return std::nullopt;
  return broadcast(iota(builder, a.dtype, {a.shape[a.axis]}, 0), a.shape, {a.axis});
}

/// Whole numbers of every type that holds them.
Replacement cast_of_iota(Builder& builder, const Node& node, Operands x) {
  const Node& inner = builder.node(x[0].id.node);
  const DType type = node.results[0].dtype();
  constexpr int64_t kExactInFloat = int64_t{1} << 24;
  if (inner.op->name != "iota" || inner.results[0].dtype() != DType::i64) return std::nullopt;
  const auto& a = inner.attributes.as<IotaAttributes>();
  const bool exact = type == DType::i32 || type == DType::f32 || type == DType::f64;
  if (!exact || a.shape.rank() != 1 || a.shape[0].is_named() || a.shape.size(0) > kExactInFloat)
    return std::nullopt;
  return iota(builder, type, a.shape, a.axis);
}

constexpr Rule kOwnOpRules[] = {
    {"multiply", "x * x -> square(x)", same_factors},
    {"multiply", "x * sigmoid(x) -> silu(x)", times_sigmoid},
    {"reciprocal", "1 / sqrt(x) -> rsqrt(x)", reciprocal_of_root},
    {"logical_not", "not (a == b) -> a != b", not_of_equal},
    {"slice", "to the end -> to the size", slice_to_the_end},
    {"iota", "of several axes -> broadcast", iota_of_several_axes},
    {"cast", "cast(iota) -> iota", cast_of_iota},
};

}  // namespace

Graph with_own_ops(const Graph& graph) {
  return rewrite(graph,
                 [](Builder& builder, const Node& node, NodeId,
                    Operands operands) -> std::optional<std::vector<Value>> {
                   for (const Rule& rule : kOwnOpRules) {
                     if (rule.op != node.op->name) continue;
                     if (const Replacement replaced = rule.apply(builder, node, operands))
                       return std::vector<Value>{*replaced};
                   }
                   return std::nullopt;
                 });
}

}  // namespace brisk::onnx
