#include "brisk/passes/simplify.h"

#include <unordered_map>

#include "brisk/ir/rewrite.h"

// Each round rewrites in topological order, so a rule sees operands that are already simplified.
// Every rule makes the graph smaller or moves it towards a fixed form (constants right, broadcasts
// composed), so the rounds end; the bound only guards against a rule that breaks this.

namespace brisk {
namespace {

constexpr int kMaxRounds = 10;

/// Finds a node emitted before that computes the same.
class CommonSubexpressions {
 public:
  std::optional<std::vector<Value>> find(Builder& builder, const Node& node,
                                         std::span<const Value> operands) {
    if (node.op->side_effect || !node.regions.empty() || node.op->name == "optimization_barrier")
      return std::nullopt;
    uint64_t key = std::hash<std::string>{}(node.op->name) ^ node.attributes.hash() * 31;
    for (const Value& operand : operands)
      key = key * 1099511628211ull + static_cast<uint64_t>(operand.id.node) * 4 +
            static_cast<uint64_t>(operand.id.result);
    auto& candidates = seen_[key];
    for (const NodeId candidate : candidates) {
      const Node& other = builder.node(candidate);
      if (other.op != node.op || other.operands.size() != operands.size() ||
          !(other.results == node.results) || !(other.attributes == node.attributes))
        continue;
      bool same = true;
      for (size_t i = 0; i < operands.size(); ++i) same &= other.operands[i] == operands[i].id;
      if (!same) continue;
      std::vector<Value> results;
      for (size_t r = 0; r < other.results.size(); ++r)
        results.push_back({&builder, {candidate, static_cast<int32_t>(r)}});
      return results;
    }
    std::vector<Value> results = builder.emit(*node.op, operands, node.attributes, node.regions);
    candidates.push_back(results.empty() ? builder.num_nodes() - 1 : results[0].id.node);
    return results;
  }

 private:
  std::unordered_map<uint64_t, std::vector<NodeId>> seen_;
};

Graph simplify_once(const Graph& graph) {
  CommonSubexpressions common;
  return rewrite(
      graph,
      [&](Builder& builder, const Node& node, NodeId,
          std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (node.results.size() == 1) {
          for (const SimplifyRule& rule : simplify_rules()) {
            if (rule.op != node.op->name) continue;
            if (auto replaced = rule.apply(builder, node, operands)) return std::vector<Value>{*replaced};
          }
        }
        return common.find(builder, node, operands);
      },
      false);
}

}  // namespace

Graph simplify(const Graph& graph) {
  Graph current = map_regions(graph, [](const Graph& region) { return simplify(region); });
  for (int round = 0; round < kMaxRounds; ++round) {
    Graph next = simplify_once(current);
    if (next == current) return next;
    current = std::move(next);
  }
  return current;
}

Program simplify(Program program, const PassContext&) {
  program.graph = simplify(program.graph);
  return program;
}

}  // namespace brisk
