#pragma once

/// How often each value of a graph is read, by nodes and as an output.

#include <map>

#include "brisk/ir/graph.h"

namespace brisk {

class UseCounts {
 public:
  explicit UseCounts(const Graph& graph) {
    for (const Node& node : graph.nodes())
      for (const ValueId& operand : node.operands) ++counts_[{operand.node, operand.result}];
    for (const NamedValue& output : graph.outputs())
      ++counts_[{output.value.node, output.value.result}];
  }
  /// One reader only.
  bool is_private(ValueId value) const {
    const auto found = counts_.find({value.node, value.result});
    return found != counts_.end() && found->second == 1;
  }

 private:
  std::map<std::pair<int64_t, int64_t>, int> counts_;
};

}  // namespace brisk
