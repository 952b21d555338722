#pragma once

/// Which indices cannot be negative. ONNX counts negative positions from the end and brisk does
/// not: where a position is known to be none, nothing has to be done about that.

#include <optional>

#include "brisk/ops/source/splat.h"

namespace brisk::onnx {

/// The size, where the choice of a node `select` is select(i < 0, i + size, i): a position i that
/// may count from the end, as one from the beginning. `nodes` is the node's Graph or Builder.
template <typename Nodes>
std::optional<double> size_counted_from_end(const Nodes& nodes, const Node& select) {
  const Node &less = nodes.node(select.operands[0].node),
             &add = nodes.node(select.operands[1].node);
  const ValueId own = select.operands[2];
  if (less.op->name != "less" || add.op->name != "add") return std::nullopt;
  if (less.operands[0] != own || add.operands[0] != own) return std::nullopt;
  const auto zero = splat(nodes, less.operands[1]), size = splat(nodes, add.operands[1]);
  return zero == 0.0 && size && *size > 0 ? size : std::nullopt;
}

/// Whether no element can be negative, as far as the ops tell that make the value: false where they
/// do not. Positions stay within their axes, and sums do not overflow.
bool is_non_negative(const Value& value);

}  // namespace brisk::onnx
