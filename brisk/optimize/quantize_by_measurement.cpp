#include "brisk/optimize/quantize_by_measurement.h"

#include <fmt/format.h>

#include "brisk/optimize/layer_times.h"

namespace brisk {
namespace {

/// Rounds in which both forms are timed in turn; the fastest counts, since what else a machine does
/// only ever makes one slower.
constexpr int kRounds = 3;

std::set<std::string, std::less<>> names_of(const FloatLayers& layers) {
  std::set<std::string, std::less<>> names;
  for (const auto& [name, reason] : layers) names.insert(name);
  return names;
}

/// Every product with the times of both forms.
std::vector<MeasuredLayer> time_layers(const Model& floats, const QuantizedModel& quantized,
                                       const QuantizeByMeasurementOptions& options) {
  const LayerTimeOptions how{options.time_batch_size, options.threads, options.steps};
  std::map<std::string, double> before, after;
  const auto keep_fastest = [&](std::map<std::string, double>& fastest,
                                const std::map<std::string, double>& times) {
    for (const auto& [label, milliseconds] : times) {
      const auto [entry, is_new] = fastest.emplace(label, milliseconds);
      entry->second = std::min(entry->second, milliseconds);
    }
  };
  for (int round = 0; options.time_layers && round < kRounds; ++round) {
    keep_fastest(before, layer_times(floats, {"fused_convolution", "fused_dot"}, how));
    keep_fastest(after,
                 layer_times(quantized.model, {"quantized_convolution", "quantized_dot"}, how));
  }
  std::vector<MeasuredLayer> rows;
  for (const QuantizedLayer& layer : quantized.layers) {
    MeasuredLayer row{layer};
    const auto a = before.find(layer.label), b = after.find(layer.label);
    if (layer.quantized && a != before.end() && b != after.end())
      row.float_milliseconds = a->second, row.integer_milliseconds = b->second;
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Adds the layers that the accuracy does not bear in integers: the fewest, found by halving.
void hold_accuracy(const Model& folded, const ValueRanges& ranges, const Dataset& data,
                   const QuantizeByMeasurementOptions& options, FloatLayers& floats) {
  const auto with = [&](std::span<const LayerSensitivity> reverted) {
    FloatLayers all = floats;
    for (const LayerSensitivity& layer : reverted)
      all.emplace(layer.label, fmt::format("the accuracy budget; {:.1f} dB", layer.sqnr));
    return all;
  };
  const auto holds = [&](const FloatLayers& all) {
    return options.accuracy(quantize_model(folded, ranges, names_of(all)).model) >=
           options.least_accuracy;
  };
  // Where the floats themselves lost it, integers are not to blame.
  if (holds(floats) || options.accuracy(folded) < options.least_accuracy) return;
  Example batch;
  data.iterator()->next(batch);
  const std::vector<LayerSensitivity> ranking = layer_sensitivity(folded, ranges, batch);
  size_t fewest = 1, most = ranking.size();
  while (fewest < most) {
    const size_t middle = (fewest + most) / 2;
    if (holds(with(std::span(ranking).first(middle))))
      most = middle;
    else
      fewest = middle + 1;
  }
  floats = with(std::span(ranking).first(fewest));
}

}  // namespace

QuantizedByMeasurement quantize_by_measurement(const Model& folded, const ValueRanges& ranges,
                                               const Dataset& data,
                                               const QuantizeByMeasurementOptions& options) {
  QuantizedByMeasurement result;
  result.float_layers = options.float_layers;
  FloatLayers& floats = result.float_layers;
  result.layers = time_layers(folded, quantize_model(folded, ranges, names_of(floats)), options);
  for (const MeasuredLayer& row : result.layers)
    if (row.integer_milliseconds > row.float_milliseconds && !options.keep_slow)
      floats[row.layer.label] = "int8 is not faster here";
  if (options.accuracy) hold_accuracy(folded, ranges, data, options, floats);
  result.quantized = quantize_model(folded, ranges, names_of(floats));
  for (size_t i = 0; i < result.layers.size(); ++i) {
    QuantizedLayer& layer = result.layers[i].layer;
    layer = result.quantized.layers.at(i);
    if (const auto reason = floats.find(layer.label); reason != floats.end())
      layer.reason = reason->second;
  }
  return result;
}

}  // namespace brisk
