#include "brisk/formats/model_file.h"

#include <fmt/ranges.h>

#include <fstream>

#include "brisk/base/edit_distance.h"
#include "brisk/formats/keras/keras_format.h"
#include "brisk/formats/onnx/onnx_file.h"
#include "brisk/formats/package/package.h"
#include "brisk/ops/control/control.h"
#include "brisk/runtime/node_cost.h"

namespace brisk {
namespace {

constexpr size_t kSniffBytes = 4096;

bool is_package(const std::filesystem::path& path, std::string_view) {
  std::error_code error;
  return std::filesystem::exists(path / "signature.json", error) &&
         std::filesystem::exists(path / "graph.txt", error);
}

Result<ImportedModel> load_package(const std::filesystem::path& path, const LoadOptions& options) {
  Result<Package> package = read_package(path);
  if (!package) return package.failure();
  ImportedModel imported;
  imported.model = {package->name, bind_dimensions(package->program, options.dimensions),
                    std::move(package->weights), std::move(package->class_names)};
  return imported;
}

Result<ModelDescription> describe_package(const std::filesystem::path& path,
                                          const LoadOptions& options) {
  Result<ImportedModel> imported = load_package(path, options);
  if (!imported) return imported.failure();
  return describe_model(imported->model);
}

Status save_package(const Model& model, const std::filesystem::path& path,
                    const SaveOptions& options) {
  Package package;
  package.name = model.name;
  package.program = bind_dimensions(model.program, options.dimensions);
  package.weights = model.weights;
  package.class_names = model.class_names;
  return write_package(path, package);
}

std::string first_bytes(const std::filesystem::path& path) {
  std::string bytes(kSniffBytes, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return bytes;
}

bool has_extension(const ModelFormat& format, const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  for (const std::string_view extension : format.extensions)
    if (name.size() > extension.size() && name.ends_with(extension)) return true;
  return false;
}

std::string readable_formats() {
  std::vector<std::string> rows;
  for (const ModelFormat& format : model_formats())
    if (format.load)
      rows.push_back(fmt::format("{} ({})", format.name, fmt::join(format.extensions, ", ")));
  return fmt::format("{}", fmt::join(rows, "; "));
}

std::string missing_text(const ImportReport& report) {
  std::vector<std::string> rows;
  for (const ImportReport::Row& row : report.missing)
    rows.push_back(
        fmt::format("{} x{} (first at '{}'): {}", row.op, row.count, row.where, row.note));
  return fmt::format("{}", fmt::join(rows, "; "));
}

}  // namespace

std::vector<ModelFormat> model_formats() {
  return {
      {.name = "package",
       .extensions = {"/"},
       .sniff = is_package,
       .load = load_package,
       .describe = describe_package,
       .save = save_package},
      keras_format(),
      onnx::onnx_format(),
  };
}

Result<ModelFormat> find_model_format(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return fail("{} does not exist", path.string());
  const std::string bytes =
      std::filesystem::is_directory(path, error) ? std::string() : first_bytes(path);
  const std::vector<ModelFormat> formats = model_formats();
  for (const ModelFormat& format : formats)
    if (format.sniff && format.sniff(path, bytes)) return format;
  for (const ModelFormat& format : formats)
    if (!format.sniff && has_extension(format, path)) return format;
  return fail("{} is no model that brisk can read; it reads {}", path.string(), readable_formats());
}

Result<ModelFormat> find_model_format_named(std::string_view name) {
  std::vector<std::string> names;
  for (const ModelFormat& format : model_formats()) {
    if (format.name == name) return format;
    names.emplace_back(format.name);
  }
  return fail("there is no model format '{}'{}; there are: {}", name, did_you_mean(name, names),
              fmt::join(names, ", "));
}

Result<ImportedModel> load_with_report(const std::filesystem::path& path,
                                       const LoadOptions& options) {
  const Result<ModelFormat> format = find_model_format(path);
  if (!format) return format.failure();
  if (!format->load)
    return fail("{}: brisk writes {} files but does not read them", path.string(), format->name);
  if (!options.weights.empty() && format->name != "keras")
    return fail("{} is of the format {}, which has no weights in files of their own", path.string(),
                format->name);
  return format->load(path, options);
}

Result<Model> load(const std::filesystem::path& path, const LoadOptions& options) {
  Result<ImportedModel> imported = load_with_report(path, options);
  if (!imported) return imported.failure();
  if (!imported->report.missing.empty())
    return fail("{} needs what brisk lacks: {}", path.string(), missing_text(imported->report));
  return std::move(imported->model);
}

Status save(const Model& model, const std::filesystem::path& path, std::string_view name,
            const SaveOptions& options) {
  if (!name.empty()) {
    const Result<ModelFormat> format = find_model_format_named(name);
    if (!format) return format.failure();
    if (!format->save) return fail("brisk reads {} files but does not write them", name);
    return format->save(model, path, options);
  }
  for (const ModelFormat& format : model_formats())
    if (format.save && has_extension(format, path)) return format.save(model, path, options);
  return fail("the name {} says nothing of a format; name one of: {}", path.string(),
              readable_formats());
}

Result<ModelDescription> describe(const std::filesystem::path& path, const LoadOptions& options) {
  const Result<ModelFormat> format = find_model_format(path);
  if (!format) return format.failure();
  if (!format->describe)
    return fail("{}: brisk does not describe {} files", path.string(), format->name);
  return format->describe(path, options);
}

ModelDescription describe_model(const Model& model) {
  ModelDescription description;
  description.name = model.name;
  description.format = "package";
  const Graph& graph = model.program.graph;
  for (size_t i = model.program.state.size(); i < graph.inputs().size(); ++i)
    description.inputs.push_back({graph.input_name(i), graph.input_type(i).to_string()});
  for (size_t i = 0; i < static_cast<size_t>(model.program.num_results); ++i)
    description.outputs.push_back({graph.outputs()[i].name, graph.output_type(i).to_string()});
  description.trainable = model.num_parameters();

  std::map<NodeId, int64_t> elements;  // of the state entries that are weights, by their input
  for (size_t i = 0; i < model.program.state.size(); ++i) {
    const StateEntry& entry = model.program.state[i];
    const int64_t count = entry.type.shape().num_elements();
    description.bytes += byte_size(entry.type.dtype(), count);
    if (entry.role != StateRole::parameter && entry.role != StateRole::statistic) continue;
    description.parameters += count;
    elements[graph.inputs()[i]] = count;
  }
  // Costs need sizes: every open dimension counts as one sample. Binding keeps the order of what is
  // no input.
  Binding one;
  for (const std::string& dimension : graph.dimensions()) one[dimension] = 1;
  const Graph bound = bind_dimensions(graph, one);
  std::vector<const Node*> sized;
  for (const Node& node : bound.nodes())
    if (node.op->name != "input") sized.push_back(&node);
  size_t next = 0;
  for (const Node& node : graph.nodes()) {
    if (node.op->name == "input") continue;
    const Node& bound_node = *sized[next++];
    const bool is_call = node.op->name == "call";
    ModelDescription::Layer layer;
    if (is_call) {
      layer.name = node.attributes.as<CallAttributes>().name;
      layer.kind = node.attributes.as<CallAttributes>().kind;
    } else {
      layer.name = node.label;
      layer.kind = node.op->name;
    }
    for (const ValueId& operand : node.operands)
      if (const auto found = elements.find(operand.node); found != elements.end())
        layer.parameters += found->second;
    if (!is_call && (node.label.empty() || node.op->name == "constant")) continue;
    layer.output = node.results[0].to_string();
    layer.flops = cost_of(bound, bound_node).flops;
    // Nodes of one label that follow each other are one layer.
    if (!is_call && !description.layers.empty() && description.layers.back().name == layer.name) {
      ModelDescription::Layer& last = description.layers.back();
      last.parameters += layer.parameters;
      last.flops += layer.flops;
      last.output = layer.output;
      continue;
    }
    description.layers.push_back(std::move(layer));
  }
  return description;
}

}  // namespace brisk
