#pragma once

/// Local rewrites by a table of rules (brisk/passes/simplify_rules.cpp), common sub-expressions
/// computed once, dead code gone; repeated until nothing changes.

#include "brisk/ir/builder.h"
#include "brisk/passes/pass.h"

namespace brisk {

Program simplify(Program program, const PassContext& context);
Graph simplify(const Graph& graph);

/// One rule: applies to nodes of one op; returns the value that replaces the node's only result.
struct SimplifyRule {
  std::string_view op;
  std::string_view rule;  ///< "x * 1 -> x", for people
  std::optional<Value> (*apply)(Builder& builder, const Node& node, std::span<const Value> operands);
};
std::span<const SimplifyRule> simplify_rules();

}  // namespace brisk
