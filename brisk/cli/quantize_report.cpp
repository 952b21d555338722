#include "brisk/cli/quantize_report.h"

#include <fmt/format.h>

#include <cmath>

namespace brisk::cli {
namespace {

Json model_json(const MeasuredModel& model) {
  return {{"metrics", model.metrics},
          {"milliseconds", model.timing.milliseconds},
          {"bytes", model.bytes}};
}

Json layer_json(const MeasuredLayer& row) {
  return {{"layer", row.layer.label},
          {"quantized", row.layer.quantized},
          {"reason", row.layer.reason},
          {"input_type", std::string(name(row.layer.input_type))},
          {"input_scale", row.layer.input_scale},
          {"weight_type", row.layer.quantized ? std::string(name(row.layer.weight_type)) : "f32"},
          {"block_size", row.layer.block_size},
          {"weight_sqnr", row.layer.quantized ? row.layer.weight_sqnr : 0},
          {"float_milliseconds", row.float_milliseconds},
          {"integer_milliseconds", row.integer_milliseconds}};
}

/// "int8", "int4, blocks of 32", and the reason where there is one.
std::string outcome(const QuantizedLayer& layer) {
  if (!layer.quantized) return "f32: " + layer.reason;
  std::string text = layer.weight_type == DType::i4 ? "int4" : "int8";
  if (layer.block_size > 0) text += fmt::format(", blocks of {}", layer.block_size);
  return layer.reason.empty() ? text : text + ": " + layer.reason;
}

void print_layers(const std::vector<MeasuredLayer>& rows) {
  fmt::print("{:40} {:>10} {:>10} {:>10} {:>14}  {}\n", "layer", "f32 ms", "integer ms", "input",
             "weights, dB", "kept, or why not");
  for (const MeasuredLayer& row : rows) {
    const auto time = [](double ms) { return ms > 0 ? fmt::format("{:.3f}", ms) : "-"; };
    fmt::print("{:40} {:>10} {:>10} {:>10} {:>14}  {}\n", row.layer.label,
               time(row.float_milliseconds), time(row.integer_milliseconds),
               row.layer.quantized ? name(row.layer.input_type) : "f32",
               row.layer.quantized ? fmt::format("{:.1f}", row.layer.weight_sqnr) : "-",
               outcome(row.layer));
  }
}

void print_models(const QuantizeReport& report, const QuantizeVerbOptions& options) {
  const MeasuredModel &before = report.before, &after = report.after;
  fmt::print("\n{:24} {:>14} {:>14}\n", "", "before", "after");
  fmt::print("{:24} {:>11.3f} MB {:>11.3f} MB\n", "weights in the package",
             static_cast<double>(before.bytes) / 1e6, static_cast<double>(after.bytes) / 1e6);
  fmt::print("{:24} {:>11.3f} ms {:>11.3f} ms\n",
             fmt::format("inference, batch {}", options.time_batch_size),
             before.timing.milliseconds, after.timing.milliseconds);
  fmt::print("{:24} {:>14} {:>11.1f} dB\n", "signal to noise", "", report.sqnr);
  for (const auto& [name, value] : before.metrics)
    fmt::print(
        "{:24} {:>14.4f} {:>14.4f}{}\n", name, value, after.metrics.at(name),
        report.rounded.empty() ? "" : fmt::format("   untrained {:.4f}", report.rounded.at(name)));
}

}  // namespace

Json quantize_json(const QuantizeReport& report, const QuantizeVerbOptions& options) {
  Json layers = Json::array();
  for (const MeasuredLayer& row : report.layers) layers.push_back(layer_json(row));
  Json step = {
      {"step", "quantize"},
      {"calibration",
       options.dynamic ? "dynamic"
       : options.weights_only
           ? "weights_only"
           : std::string(enum_names(
                 CalibrationMethod{})[static_cast<size_t>(calibration_of(options).method)])},
      {"semantics", options.semantics},
      {"activation_bits", options.activation_bits},
      {"bits", options.grid().bits},
      {"block_size", options.grid().block_size},
      {"samples", options.looks_at_data() ? report.samples : 0},
      {"rounding", options.rounding},
      {"bias_correction", options.bias_correction},
      {"equalize", options.equalize},
      {"smooth", options.smooth >= 0 ? Json(options.smooth) : Json()},
      {"before", model_json(report.before)},
      {"after", model_json(report.after)},
      {"batch_size", options.time_batch_size},
      {"sqnr", std::isfinite(report.sqnr) ? Json(report.sqnr) : Json()},
      {"layers", layers}};
  if (!report.training.empty())
    step["training"] = {{"how", report.training}, {"metrics_before", report.rounded}};
  return step;
}

void print_quantize_report(const QuantizeReport& report, const QuantizeVerbOptions& options) {
  print_layers(report.layers);
  print_models(report, options);
}

}  // namespace brisk::cli
