#include "brisk/compress/forward_flops.h"

#include "brisk/runtime/node_cost.h"

namespace brisk {

double forward_flops(const Model& model) {
  const Graph graph = bind_dimensions(for_inference(model.program), {{"batch", 1}}).graph;
  double flops = 0;
  for (const Node& node : graph.nodes()) flops += cost_of(graph, node).flops;
  return flops;
}

}  // namespace brisk
