#pragma once

/// The tables behind canonical.h: local rewrites of an imported graph, one line each.

#include <optional>
#include <span>
#include <string_view>

#include "brisk/ir/builder.h"

namespace brisk::onnx {

/// Applies to nodes of one op; gives the value that replaces the node's only result, or nothing.
struct Rule {
  using Replacement = std::optional<Value>;
  using Operands = std::span<const Value>;

  std::string_view op;
  std::string_view name;  ///< "x * x -> square(x)", for people
  Replacement (*apply)(Builder& builder, const Node& node, Operands x);
};

/// What ONNX has to say with several ops and brisk with one.
std::span<const Rule> own_op_rules();
/// Moves that can be said in several ways.
std::span<const Rule> move_rules();

}  // namespace brisk::onnx
