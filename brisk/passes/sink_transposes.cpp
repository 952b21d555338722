#include "brisk/passes/sink_transposes.h"

#include <algorithm>

#include "brisk/ir/rewrite.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

// A rule applies when every operand is a transpose by one permutation, or a broadcast that can be
// made in the other order. The op then works on what stands before the transposes, which costs the
// same, and one transpose follows it: their number never grows along a path. Transposes only move
// towards the outputs, so it ends.

namespace brisk {
namespace {

using Permutation = std::vector<int64_t>;

const Permutation* permutation_of(const Builder& builder, const Value& value) {
  const Node& node = builder.node(value.id.node);
  return node.op->name == "transpose" ? &node.attributes.as<TransposeAttributes>().permutation
                                      : nullptr;
}

/// `value` as it stands before a transpose by `permutation`; nothing when it is neither.
std::optional<Value> before(Builder& builder, const Value& value, const Permutation& permutation) {
  const Node& node = builder.node(value.id.node);
  if (const Permutation* own = permutation_of(builder, value)) {
    if (*own != permutation) return std::nullopt;
    return Value{&builder, node.operands[0]};
  }
  if (node.op->name != "broadcast") return std::nullopt;
  Value source{&builder, node.operands[0]};
  std::vector<int64_t> axes, wide_axes;
  Shape wide;  // the extents that are not 1: the others may change places as they like
  for (int64_t i = 0; i < source.rank(); ++i) {
    axes.push_back(permutation[static_cast<size_t>(
        node.attributes.as<BroadcastAttributes>().axes[static_cast<size_t>(i)])]);
    if (source.shape()[i] == Extent(1)) continue;
    wide_axes.push_back(axes.back());
    wide.push_back(source.shape()[i]);
  }
  if (!std::is_sorted(axes.begin(), axes.end())) {
    if (!std::is_sorted(wide_axes.begin(), wide_axes.end())) return std::nullopt;
    source = reshape(source, wide);
    axes = wide_axes;
  }
  Shape shape = value.shape();
  for (int64_t i = 0; i < value.rank(); ++i)
    shape[permutation[static_cast<size_t>(i)]] = value.shape()[i];
  return broadcast(source, shape, axes);
}

std::optional<std::vector<Value>> all_before(Builder& builder, std::span<const Value> operands,
                                             Permutation& permutation) {
  const Permutation* found = nullptr;
  for (const Value& operand : operands)
    if (found == nullptr) found = permutation_of(builder, operand);
  if (found == nullptr) return std::nullopt;
  permutation = *found;
  std::vector<Value> result;
  for (const Value& operand : operands) {
    const std::optional<Value> inner = before(builder, operand, permutation);
    if (!inner) return std::nullopt;
    result.push_back(*inner);
  }
  return result;
}

/// Values given an axis of the result, told by axis of what stands before.
std::vector<int64_t> moved(const std::vector<int64_t>& values, const Permutation& permutation) {
  std::vector<int64_t> result(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    result[static_cast<size_t>(permutation[i])] = values[i];
  return result;
}

std::optional<Value> sink_pad(Builder& builder, const Node& node, std::span<const Value> operands) {
  Permutation permutation;
  const auto inner = all_before(builder, operands.first(1), permutation);
  if (!inner) return std::nullopt;
  const auto& pads = node.attributes.as<PadAttributes>();
  const std::vector<int64_t> between =
      pads.interior.empty() ? std::vector<int64_t>() : moved(pads.interior, permutation);
  return transpose(pad((*inner)[0], operands[1], moved(pads.low, permutation),
                       moved(pads.high, permutation), between),
                   permutation);
}

std::optional<Value> sink_concatenate(Builder& builder, const Node& node,
                                      std::span<const Value> operands) {
  Permutation permutation;
  const auto inner = all_before(builder, operands, permutation);
  if (!inner) return std::nullopt;
  const int64_t axis = node.attributes.as<AxisAttributes>().axis;
  return transpose(concatenate(*inner, permutation[static_cast<size_t>(axis)]), permutation);
}

/// Axes that stay keep their order among each other, or a transpose of them follows.
std::optional<Value> sink_reduction(Builder& builder, const Node& node,
                                    std::span<const Value> operands) {
  Permutation permutation;
  const auto inner = all_before(builder, operands, permutation);
  if (!inner) return std::nullopt;
  ReduceAttributes attributes = node.attributes.as<ReduceAttributes>();
  const std::vector<int64_t> outer = attributes.axes;
  for (int64_t& axis : attributes.axes) axis = permutation[static_cast<size_t>(axis)];
  std::sort(attributes.axes.begin(), attributes.axes.end());
  const Value reduced = builder.emit_one(node.op->name, {(*inner)[0]}, attributes);
  if (attributes.keep_dims) return transpose(reduced, permutation);
  Permutation rest;
  for (int64_t i = 0; i < static_cast<int64_t>(permutation.size()); ++i) {
    if (std::find(outer.begin(), outer.end(), i) != outer.end()) continue;
    const int64_t from = permutation[static_cast<size_t>(i)];
    const auto dropped = std::count_if(attributes.axes.begin(), attributes.axes.end(),
                                       [&](int64_t axis) { return axis < from; });
    rest.push_back(from - dropped);
  }
  return std::is_sorted(rest.begin(), rest.end()) ? reduced : transpose(reduced, rest);
}

std::optional<Value> sink(Builder& builder, const Node& node, std::span<const Value> operands) {
  if (node.op->name == "pad") return sink_pad(builder, node, operands);
  if (node.op->name == "concatenate") return sink_concatenate(builder, node, operands);
  if (node.op->kind == OpKind::reduce && node.attributes.is<ReduceAttributes>())
    return sink_reduction(builder, node, operands);
  if (node.op->kind != OpKind::elementwise) return std::nullopt;
  Permutation permutation;
  const auto inner = all_before(builder, operands, permutation);
  if (!inner) return std::nullopt;
  return transpose(builder.emit_one(node.op->name, *inner, node.attributes), permutation);
}

}  // namespace

Graph sink_transposes(const Graph& graph) {
  return rewrite(graph,
                 [](Builder& builder, const Node& node, NodeId,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (node.results.size() != 1 || !node.regions.empty()) return std::nullopt;
                   const std::optional<Value> replaced = sink(builder, node, operands);
                   if (!replaced) return std::nullopt;
                   return std::vector<Value>{*replaced};
                 });
}

Program sink_transposes(Program program, const PassContext&) {
  program.graph = sink_transposes(program.graph);
  return program;
}

}  // namespace brisk
