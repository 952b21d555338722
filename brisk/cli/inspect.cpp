#include <fmt/format.h>

#include "brisk/base/json.h"
#include "brisk/cli/options/dimension_option.h"
#include "brisk/cli/verb.h"
#include "brisk/compress/quantization_report.h"
#include "brisk/compress/sparsity_report.h"
#include "brisk/formats/model_file.h"
#include "brisk/ir/text.h"
#include "brisk/train/package_job.h"

namespace brisk::cli {
namespace {

struct InspectOptions {
  std::string model;
  std::vector<std::string> dimensions;
  bool json = false, text = false, sparsity = false, quantization = false;
};

/// A name of the zoo has no file; everything else is described by its format, weights unread.
ModelDescription description(const InspectOptions& options) {
  const LoadOptions load{parse_dimensions(options.dimensions)};
  if (std::filesystem::exists(options.model)) return describe(options.model, load).value();
  ModelDescription result = describe_model(open_model(options.model));
  result.format = "model of the zoo";
  return result;
}

void print_json(const ModelDescription& model) {
  Json json = {{"name", model.name},           {"format", model.format},
               {"producer", model.producer},   {"parameters", model.parameters},
               {"trainable", model.trainable}, {"bytes", model.bytes},
               {"inputs", Json::array()},      {"outputs", Json::array()},
               {"layers", Json::array()}};
  for (const auto& port : model.inputs)
    json["inputs"].push_back({{"name", port.name}, {"type", port.type}});
  for (const auto& port : model.outputs)
    json["outputs"].push_back({{"name", port.name}, {"type", port.type}});
  for (const auto& layer : model.layers)
    json["layers"].push_back({{"name", layer.name},
                              {"kind", layer.kind},
                              {"output", layer.output},
                              {"parameters", layer.parameters},
                              {"flops", layer.flops}});
  fmt::print("{}\n", json_text(json));
}

Model with_weights(const InspectOptions& options) {
  return std::filesystem::exists(options.model)
             ? load(options.model, {parse_dimensions(options.dimensions)}).value()
             : open_model(options.model);
}

void print_sparsity(const InspectOptions& options) {
  const SparsityReport report = sparsity_report(with_weights(options));
  if (options.json) {
    Json json = {{"elements", report.elements},
                 {"zeros", report.zeros},
                 {"bytes", report.bytes},
                 {"gzipped_bytes", report.gzipped_bytes},
                 {"parameters", Json::array()}};
    for (const ParameterSparsity& parameter : report.parameters)
      json["parameters"].push_back({{"name", parameter.name},
                                    {"type", parameter.type},
                                    {"elements", parameter.elements},
                                    {"zeros", parameter.zeros},
                                    {"is_kernel", parameter.is_kernel}});
    fmt::print("{}\n", json_text(json));
    return;
  }
  const auto percent = [](int64_t zeros, int64_t elements) {
    return elements > 0 ? 100 * static_cast<double>(zeros) / static_cast<double>(elements) : 0.0;
  };
  fmt::print("{:48} {:24} {:>12} {:>12} {:>8}\n", "weights", "type", "elements", "zeros", "%");
  for (const ParameterSparsity& p : report.parameters)
    fmt::print("{:48} {:24} {:>12} {:>12} {:>8.2f}\n", p.name, p.type, p.elements, p.zeros,
               percent(p.zeros, p.elements));
  fmt::print(
      "\n{} of {} weights of kernels are zero ({:.2f} %); all weights take {:.3f} MB, "
      "gzipped {:.3f} MB\n",
      report.zeros, report.elements, percent(report.zeros, report.elements),
      static_cast<double>(report.bytes) / 1e6, static_cast<double>(report.gzipped_bytes) / 1e6);
}

void print_quantization(const InspectOptions& options) {
  const QuantizationReport report = quantization_report(with_weights(options));
  if (options.json) {
    Json json = {{"integers", report.integers()},
                 {"weights_only", report.weights_only()},
                 {"quantize", report.quantize},
                 {"dequantize", report.dequantize},
                 {"products", Json::array()}};
    for (const ProductReport& product : report.products)
      json["products"].push_back({{"layer", product.label},
                                  {"op", product.op},
                                  {"input", product.input},
                                  {"filter", product.filter},
                                  {"block_size", product.block_size},
                                  {"result", product.result},
                                  {"result_scale", product.result_scale},
                                  {"residual", product.residual}});
    fmt::print("{}\n", json_text(json));
    return;
  }
  fmt::print("{:40} {:24} {:>6} {:24} {:>6} {:>12}  {}\n", "layer", "op", "input", "filter",
             "result", "scale", "residual");
  for (const ProductReport& p : report.products)
    fmt::print("{:40} {:24} {:>6} {:24} {:>6} {:>12}  {}\n", p.label, p.op, p.input,
               p.block_size > 0 ? fmt::format("{} by {}", p.filter, p.block_size) : p.filter,
               p.result, p.result_scale > 0 ? fmt::format("{:.6g}", p.result_scale) : "-",
               p.residual ? "yes" : "-");
  fmt::print("\n{} of {} products are in integers; floats become integers {} times, and back {}\n",
             report.integers(), report.products.size(), report.quantize, report.dequantize);
  if (report.weights_only() > 0)
    fmt::print("{} multiply floats with weights in integers\n", report.weights_only());
}

int inspect(const InspectOptions& options) {
  if (options.sparsity) print_sparsity(options);
  if (options.sparsity && options.quantization && !options.json) fmt::print("\n");
  if (options.quantization) print_quantization(options);
  if (options.sparsity || options.quantization) return kDone;
  if (options.text) {
    fmt::print("{}", print(with_weights(options).program));
    return kDone;
  }
  const ModelDescription model = description(options);
  if (options.json) {
    print_json(model);
    return kDone;
  }
  fmt::print("{}  ({}{}{})\n", model.name, model.format, model.producer.empty() ? "" : ", by ",
             model.producer);
  for (const auto& port : model.inputs) fmt::print("  input   {:28} {}\n", port.name, port.type);
  for (const auto& port : model.outputs) fmt::print("  output  {:28} {}\n", port.name, port.type);
  fmt::print("\n{:40} {:24} {:32} {:>12} {:>10}\n", "layer", "kind", "output", "parameters",
             "MFLOP");
  double flops = 0;
  for (const auto& layer : model.layers) {
    fmt::print("{:40} {:24} {:32} {:>12} {:>10.2f}\n", layer.name, layer.kind, layer.output,
               layer.parameters, layer.flops / 1e6);
    flops += layer.flops;
  }
  fmt::print("\n{} parameters, {} of them trained, {:.2f} MB; {:.1f} MFLOP a sample\n",
             model.parameters, model.trainable, static_cast<double>(model.bytes) / 1e6,
             flops / 1e6);
  return kDone;
}

}  // namespace

void add_inspect(CLI::App& app, int& code) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* verb = app.add_subcommand("inspect", "Layers, shapes, work and sizes of a model");
  verb->footer(
      "Example:\n  brisk inspect runs/first/model\n  brisk inspect model.onnx\n  brisk inspect "
      "resnet50 --json");
  verb->add_option("model", options->model, "A model file or package, or a name of the zoo")
      ->required();
  add_dimension_option(*verb, options->dimensions);
  verb->add_flag("--text", options->text, "Print the whole program as text");
  verb->add_flag("--sparsity", options->sparsity,
                 "Print how many of the weights are zero, and what they take when compressed");
  verb->add_flag("--quantization", options->quantization,
                 "Print which products are computed in integers");
  verb->add_flag("--json", options->json, "Print one JSON object");
  verb->callback([options, &code] { code = inspect(*options); });
}

}  // namespace brisk::cli
