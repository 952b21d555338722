#include "brisk/ir/liveness.h"

#include <algorithm>

#include "brisk/ir/type_bytes.h"

namespace brisk {

std::vector<size_t> last_uses(const Graph& graph) {
  std::vector<size_t> last(graph.nodes().size());
  for (size_t id = 0; id < last.size(); ++id) {
    last[id] = id;
    for (const ValueId& operand : graph.nodes()[id].operands)
      last[static_cast<size_t>(operand.node)] = id;
  }
  for (const NamedValue& output : graph.outputs())
    last[static_cast<size_t>(output.value.node)] = graph.nodes().size();
  return last;
}

int64_t peak_bytes(const Graph& graph) {
  const std::vector<size_t> last = last_uses(graph);
  std::vector<int64_t> released(graph.nodes().size() + 1, 0);
  int64_t live = 0, peak = 0;
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    int64_t bytes = 0;
    for (const Type& type : graph.nodes()[id].results) bytes += type_bytes(type);
    live += bytes;
    released[last[id]] += bytes;
    peak = std::max(peak, live);
    live -= released[id];
  }
  return peak;
}

}  // namespace brisk
