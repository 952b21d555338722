#include <bit>
#include <map>
#include <tuple>
#include <unordered_map>

#include "brisk/ir/expr.h"

// Flattening: the DAG in post-order, each distinct computation once. Two nodes are the same
// computation when operation, type, parameters and the lines of their operands agree; operands are
// numbered before their users, so one look-up by that key finds every repeated sub-expression.

namespace brisk {
namespace {

using Key = std::tuple<ScalarOp, DType, std::array<int32_t, 3>, int, uint64_t, uint64_t>;

class Flattener {
 public:
  int32_t line(const Expr& expr) {
    const Expr::Node* node = &expr.node();
    if (const auto known = by_node_.find(node); known != by_node_.end()) return known->second;
    ScalarInstruction instruction{.op = node->op,
                                  .type = node->type,
                                  .index = node->index,
                                  .value = node->value,
                                  .bits = node->bits};
    for (size_t i = 0; i < node->operands.size(); ++i)
      instruction.operands[i] = line(node->operands[i]);
    const Key key{node->op, node->type, instruction.operands, node->index,
                  // By bits: -0 is not 0, and NaN equals itself.
                  std::bit_cast<uint64_t>(node->value), node->bits};
    const auto [entry, fresh] = by_key_.emplace(key, static_cast<int32_t>(program_.size()));
    if (fresh) program_.push_back(instruction);
    by_node_.emplace(node, entry->second);
    return entry->second;
  }

  ScalarProgram take() { return std::move(program_); }

 private:
  ScalarProgram program_;
  std::unordered_map<const Expr::Node*, int32_t> by_node_;
  std::map<Key, int32_t> by_key_;
};

}  // namespace

ScalarProgram flatten(const Expr& expr) {
  Flattener flattener;
  flattener.line(expr);  // the root is computed by no other line, so it is the last one
  return flattener.take();
}

}  // namespace brisk
