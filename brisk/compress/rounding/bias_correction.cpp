#include "brisk/compress/rounding/bias_correction.h"

#include <algorithm>
#include <numeric>

#include "brisk/compress/calibration.h"
#include "brisk/compress/quantize_plan.h"
#include "brisk/compress/quantize_weights.h"
#include "brisk/compress/rounding/observed_values.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

/// By output channel: sum over (rounded - weight) * mean of the weight's input channel. `filter`
/// [..., inputs / groups, outputs].
std::vector<double> mean_error(const Tensor& filter, const Tensor& means, int64_t groups,
                               const Tensor& given) {
  const QuantizedWeights rounded = quantize_weights(filter, Tensor(), 1, 1, given);
  const int64_t outputs = filter.sizes().back(),
                inputs = filter.sizes()[static_cast<size_t>(filter.rank() - 2)];
  const auto weights = filter.data<float>();
  const auto integers = rounded.filter.data<int8_t>();
  std::vector<double> error(static_cast<size_t>(outputs), 0);
  for (int64_t i = 0; i < filter.num_elements(); ++i) {
    const int64_t output = i % outputs, group = output / (outputs / groups),
                  input = group * inputs + i / outputs % inputs;
    const auto at = static_cast<size_t>(i);
    error[static_cast<size_t>(output)] +=
        (integers[at] * static_cast<double>(rounded.multiplier.get(output)) - weights[at]) *
        means.get(input);
  }
  return error;
}

}  // namespace

ChannelMeans channel_means(const Model& folded, const Dataset& data, int threads) {
  const Graph& graph = folded.program.graph;
  std::vector<ValueId> values;
  for (const auto& [id, product] : plan_quantization(folded.program, {}).products)
    if (const ValueId input = graph.node(id).operands[0];
        std::find(values.begin(), values.end(), input) == values.end())
      values.push_back(input);
  ChannelMeans means;
  if (values.empty()) return means;
  Builder builder(graph.ops(), graph.name());
  std::vector<Builder::Output> outputs;
  for (const Value& value : observed_values(builder, folded.program, values)) {
    std::vector<int64_t> axes(static_cast<size_t>(value.rank() - 1));
    std::iota(axes.begin(), axes.end(), 0);
    outputs.push_back({fmt::format("{}", outputs.size()), reduce_mean(value, axes)});
  }
  const Program program = observing(builder, folded.program, outputs);
  const std::vector<Tensor> found = mean_results(program, folded.weights, data, threads);
  for (size_t i = 0; i < values.size(); ++i) means[values[i]] = found[i];
  return means;
}

Model correct_biases(const Model& folded, const ChannelMeans& means,
                     const std::set<std::string, std::less<>>& float_layers,
                     const RoundedFilters& rounded) {
  const Graph& graph = folded.program.graph;
  Model result = folded;
  std::set<size_t> corrected;  // a bias that two products share is corrected by the first
  for (const auto& [id, product] : plan_quantization(folded.program, float_layers).products) {
    if (!product.bias || !corrected.insert(*product.bias).second) continue;
    const Node& node = graph.node(id);
    const auto given = rounded.find(id);
    const std::vector<double> error = mean_error(
        filter_of(node, product, folded.weights[product.filter]), means.at(node.operands[0]),
        groups_of(node), given == rounded.end() ? Tensor() : given->second);
    Tensor bias = folded.weights[*product.bias].clone();
    for (int64_t c = 0; c < bias.num_elements(); ++c)
      bias.set(c, bias.get(c) - error[static_cast<size_t>(c)]);
    result.weights[*product.bias] = bias;
  }
  return result;
}

}  // namespace brisk
