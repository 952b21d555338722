#include "brisk/compress/scaling/equalize_channels.h"

#include <algorithm>
#include <cmath>

#include "brisk/compress/scaling/filter_weights.h"
#include "brisk/compress/scaling/scalable_channels.h"

namespace brisk {
namespace {

/// The greatest magnitudes by class of what products read, and of the weights that read it.
struct ClassMagnitudes {
  std::map<int32_t, double> values, weights;
  std::map<int32_t, bool> made;  ///< by a product's weights
};

void keep_greatest(std::map<int32_t, double>& greatest, int32_t number, double x) {
  double& entry = greatest.try_emplace(number, 0).first->second;
  entry = std::max(entry, x);
}

ClassMagnitudes class_magnitudes(const Model& folded, const ScalableChannels& channels,
                                 const ChannelMagnitudes& magnitudes) {
  const Graph& graph = folded.program.graph;
  ClassMagnitudes result;
  for (const auto& [plan, inputs, outputs] : channels.products) {
    const Node& node = graph.node(plan.node);
    for (int64_t c = 0; c < channels.units.extent(outputs); ++c)
      result.made[channels.units.class_of(outputs, c)] = true;
    const Tensor& seen = magnitudes.at(node.operands[0]);
    for (int64_t c = 0; c < channels.units.extent(inputs); ++c)
      keep_greatest(result.values, channels.units.class_of(inputs, c), seen.get(c));
    Tensor filter = folded.weights[plan.filter].clone();
    std::vector<double> greatest(static_cast<size_t>(channels.units.extent(outputs)), 0);
    for_each_weight(node, plan, filter, [&](float w, int64_t, int64_t output) {
      double& entry = greatest[static_cast<size_t>(output)];
      entry = std::max(entry, std::fabs(static_cast<double>(w)));
    });
    for_each_weight(node, plan, filter, [&](float w, int64_t input, int64_t output) {
      if (w != 0)
        keep_greatest(result.weights, channels.units.class_of(inputs, input),
                      std::fabs(w) / greatest[static_cast<size_t>(output)]);
    });
  }
  return result;
}

}  // namespace

std::vector<ObservedChannels> equalized_values(const Program& folded) {
  std::vector<ObservedChannels> values;
  for (const ScalableProduct& product : scalable_channels(folded).products)
    if (const ValueId input = folded.graph.node(product.plan.node).operands[0];
        std::none_of(values.begin(), values.end(),
                     [&](const ObservedChannels& known) { return known.value == input; }))
      values.push_back({input});
  return values;
}

Model equalize_channels(const Model& folded, const ChannelMagnitudes& magnitudes) {
  const ScalableChannels channels = scalable_channels(folded.program);
  const ClassMagnitudes known = class_magnitudes(folded, channels, magnitudes);
  std::map<int32_t, double> factors;
  for (const auto& [number, value] : known.values) {
    const auto weight = known.weights.find(number);
    if (!channels.units.pinned(number).empty() || !known.made.contains(number) ||
        weight == known.weights.end() || value == 0)
      continue;
    factors[number] = static_cast<float>(std::sqrt(value / weight->second));
  }
  const auto factor = [&](AxisId axis, int64_t c) {
    const auto found = factors.find(channels.units.class_of(axis, c));
    return found == factors.end() ? 1.0 : found->second;
  };
  Model result = folded;
  for (const auto& [plan, inputs, outputs] : channels.products) {
    Tensor& filter = result.weights[plan.filter];
    filter = filter.clone();
    for_each_weight(folded.program.graph.node(plan.node), plan, filter,
                    [&, in = inputs, out = outputs](float& w, int64_t input, int64_t output) {
                      w = static_cast<float>(w * factor(in, input) / factor(out, output));
                    });
    if (!plan.bias) continue;
    Tensor& bias = result.weights[*plan.bias];
    bias = bias.clone();
    for (int64_t c = 0; c < bias.num_elements(); ++c) bias.set(c, bias.get(c) / factor(outputs, c));
  }
  return result;
}

}  // namespace brisk
