#include "brisk/optimize/quantize_by_measurement.h"

#include <fmt/format.h>

#include "brisk/optimize/layer_times.h"

namespace brisk {
namespace {

/// Rounds in which both forms are timed in turn; the fastest counts, since what else a machine does
/// only ever makes one slower.
constexpr int kRounds = 3;

}  // namespace

std::set<std::string, std::less<>> names_of(const FloatLayers& layers) {
  std::set<std::string, std::less<>> names;
  for (const auto& [name, reason] : layers) names.insert(name);
  return names;
}

std::vector<MeasuredLayer> time_layers(const Model& floats, const QuantizedModel& quantized,
                                       const LayerTimeOptions& how) {
  std::map<std::string, double> before, after;
  const auto keep_fastest = [&](std::map<std::string, double>& fastest,
                                const std::map<std::string, double>& times) {
    for (const auto& [label, milliseconds] : times) {
      const auto [entry, is_new] = fastest.emplace(label, milliseconds);
      entry->second = std::min(entry->second, milliseconds);
    }
  };
  for (int round = 0; round < kRounds; ++round) {
    keep_fastest(before, layer_times(floats, {"fused_convolution", "fused_dot"}, how));
    keep_fastest(after,
                 layer_times(quantized.model,
                             {"quantized_convolution", "quantized_dot", "weight_only_dot"}, how));
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

void add_slow_layers(std::span<const MeasuredLayer> layers, FloatLayers& floats) {
  for (const MeasuredLayer& row : layers)
    if (row.integer_milliseconds > row.float_milliseconds)
      floats[row.layer.label] = kSlowInIntegers;
}

void add_sensitive_layers(const Model& folded, const Quantize& quantize, const Dataset& data,
                          const std::function<double(const Model&)>& accuracy, double least,
                          FloatLayers& floats) {
  const auto with = [&](std::span<const LayerSensitivity> reverted) {
    FloatLayers all = floats;
    for (const LayerSensitivity& layer : reverted)
      all.emplace(layer.label, fmt::format("the accuracy budget; {:.1f} dB", layer.sqnr));
    return all;
  };
  const auto holds = [&](const FloatLayers& all) {
    return accuracy(quantize(names_of(all)).model) >= least;
  };
  // Where the floats themselves lost it, integers are not to blame.
  if (holds(floats) || accuracy(folded) < least) return;
  Example batch;
  data.iterator()->next(batch);
  const std::vector<LayerSensitivity> ranking = layer_sensitivity(folded, quantize, batch);
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

void set_outcome(const QuantizedModel& quantized, const FloatLayers& floats,
                 std::vector<MeasuredLayer>& layers) {
  for (size_t i = 0; i < layers.size(); ++i) {
    QuantizedLayer& layer = layers[i].layer;
    layer = quantized.layers.at(i);
    if (const auto reason = floats.find(layer.label); reason != floats.end())
      layer.reason = reason->second;
  }
}

QuantizedByMeasurement quantize_by_measurement(const Model& folded, const ValueRanges& ranges,
                                               const Dataset& data,
                                               const QuantizeByMeasurementOptions& options) {
  RoundedFilters rounded;
  const Quantize quantize = [&](const std::set<std::string, std::less<>>& float_layers) {
    return quantize_model(folded, ranges, float_layers, rounded);
  };
  QuantizedByMeasurement result;
  result.float_layers = options.float_layers;
  FloatLayers& floats = result.float_layers;
  const QuantizedModel all = quantize(names_of(floats));
  if (options.time_layers)
    result.layers =
        time_layers(folded, all, {options.time_batch_size, options.threads, options.steps});
  else
    for (const QuantizedLayer& layer : all.layers) result.layers.push_back({layer});
  if (!options.keep_slow) add_slow_layers(result.layers, floats);
  if (options.accuracy && options.rounding &&
      options.accuracy(quantize(names_of(floats)).model) < options.least_accuracy &&
      options.accuracy(folded) >= options.least_accuracy) {
    rounded = options.rounding();
    result.rounded = true;
  }
  if (options.accuracy)
    add_sensitive_layers(folded, quantize, data, options.accuracy, options.least_accuracy, floats);
  result.quantized = quantize(names_of(floats));
  set_outcome(result.quantized, floats, result.layers);
  return result;
}

}  // namespace brisk
