#include "brisk/compress/rounding/observed_values.h"

namespace brisk {

std::vector<Value> observed_values(Builder& builder, const Program& program,
                                   std::span<const ValueId> values) {
  const Graph& graph = program.graph;
  std::vector<Value> inputs;
  for (size_t i = 0; i < graph.inputs().size(); ++i)
    inputs.push_back(builder.input(graph.input_name(i), graph.input_type(i)));
  std::vector<NamedValue> outputs;
  for (const ValueId& value : values) outputs.push_back({fmt::format("{}", outputs.size()), value});
  const Graph all(graph.ops(), graph.name(), {graph.nodes().begin(), graph.nodes().end()},
                  {graph.inputs().begin(), graph.inputs().end()}, outputs);
  return builder.inline_graph(all, inputs);
}

Program observing(Builder& builder, const Program& program,
                  const std::vector<Builder::Output>& outputs) {
  Program result;
  result.state = program.state;
  result.num_results = static_cast<int64_t>(outputs.size());
  result.graph = builder.finish(outputs);
  return result;
}

}  // namespace brisk
