#include "tests/support/derivative_check.h"

#include "brisk/autodiff/gradient.h"
#include "brisk/backends/reference/evaluate.h"
#include "brisk/base/philox.h"
#include "tests/support/case_graph.h"
#include "tests/support/finite_differences.h"

namespace brisk::testing {

Graph gradients_only(const Graph& graph, const std::vector<size_t>& wrt) {
  const Graph both = gradient(graph, 0, wrt);
  Builder builder(both.ops(), both.name());
  std::vector<Value> inputs;
  for (size_t i = 0; i < both.inputs().size(); ++i)
    inputs.push_back(builder.input(both.input_name(i), both.input_type(i)));
  const std::vector<Value> outputs = builder.inline_graph(both, inputs);
  std::vector<Builder::Output> kept;
  for (size_t i = graph.outputs().size(); i < outputs.size(); ++i)
    kept.push_back({both.outputs()[i].name, outputs[i]});
  return builder.finish(kept);
}

std::string derivative_difference(const Graph& graph, const std::vector<Tensor>& inputs,
                                  const std::vector<size_t>& wrt, int order) {
  Graph current = graph;
  std::vector<Tensor> values = inputs;
  for (int level = 1; level <= order; ++level) {
    const auto key = static_cast<uint64_t>(level);
    const std::optional<Graph> loss = projected(current);
    if (!loss) return "no output is floating";
    for (const Tensor& weight : weights_for(*loss, values.size(), key)) values.push_back(weight);
    current = gradients_only(*loss, wrt);
    const std::string found =
        gradient_difference(*loss, values, wrt, reference::evaluate(current, values), key);
    if (!found.empty()) return fmt::format("derivative {}: {}", level, found);
  }
  return "";
}

Tensor random_values(std::vector<int64_t> sizes, uint64_t key, double low, double high) {
  PhiloxSequence random(key);
  Tensor tensor(DType::f64, std::move(sizes));
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    tensor.set(i, low + (high - low) * random.next_unit());
  return tensor;
}

}  // namespace brisk::testing
