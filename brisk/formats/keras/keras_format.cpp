#include "brisk/formats/keras/keras_format.h"

#include <algorithm>
#include <map>

#include "brisk/formats/keras/keras_file.h"
#include "brisk/formats/keras/write_keras.h"
#include "brisk/ops/control/control.h"

namespace brisk {
namespace {

bool is_keras(const std::filesystem::path& path, std::string_view first_bytes) {
  if (first_bytes.starts_with("\x89HDF\r\n\x1a\n")) return true;
  std::error_code error;
  if (first_bytes.empty())
    return std::filesystem::exists(path / "config.json", error) &&
           std::filesystem::exists(path / "metadata.json", error);
  return first_bytes.starts_with("PK") && path.extension() == ".keras";
}

/// Layers by class: how often, and the first one's name.
std::vector<ImportReport::Row> understood(const Graph& graph) {
  std::map<std::string, ImportReport::Row> rows;
  for (const Node& node : graph.nodes()) {
    if (node.op->name != "call") continue;
    const auto& call = node.attributes.as<CallAttributes>();
    ImportReport::Row& row = rows[call.kind];
    row.op = call.kind;
    if (row.count++ == 0) row.where = call.name;
  }
  std::vector<ImportReport::Row> list;
  for (auto& [kind, row] : rows) list.push_back(std::move(row));
  return list;
}

Result<ImportedModel> load_keras(const std::filesystem::path& path, const LoadOptions& options,
                                 bool weights) {
  const bool apart = weights && !options.weights.empty();
  Result<KerasModel> keras =
      read_keras(path, {.dimensions = options.dimensions, .weights = weights && !apart});
  if (!keras) return keras.failure();
  if (apart && keras->unknown.empty())
    if (Status s = load_keras_weights(*keras, options.weights); !s) return s.failure();
  ImportedModel imported;
  for (const UnknownLayer& layer : keras->unknown) {
    auto& missing = imported.report.missing;
    const auto known = std::find_if(missing.begin(), missing.end(),
                                    [&](const auto& row) { return row.op == layer.class_name; });
    if (known != missing.end())
      ++known->count;
    else
      missing.push_back({layer.class_name, 1, layer.layer, layer.reason});
  }
  for (const std::string& note : keras->notes) {
    const size_t colon = note.find(": ");
    imported.report.approximated.push_back(
        {note.substr(0, colon), 1, "", colon == std::string::npos ? note : note.substr(colon + 2)});
  }
  if (!imported.report.missing.empty()) return imported;
  imported.report.understood = understood(keras->model.program.graph);
  imported.model = std::move(keras->model);
  Binding binding = options.dimensions;
  if (const auto batch = binding.find("batch"); batch != binding.end())
    imported.model.program = bind_dimensions(imported.model.program, {{"batch", batch->second}});
  return imported;
}

Result<ModelDescription> describe_keras(const std::filesystem::path& path,
                                        const LoadOptions& options) {
  Result<ImportedModel> imported = load_keras(path, options, false);
  if (!imported) return imported.failure();
  if (!imported->report.missing.empty()) {
    const ImportReport::Row& first = imported->report.missing[0];
    return fail("{} cannot be described: layer '{}' ({}): {}", path.string(), first.where, first.op,
                first.note);
  }
  ModelDescription description = describe_model(imported->model);
  description.format = "keras";
  return description;
}

}  // namespace

ModelFormat keras_format() {
  return {.name = "keras",
          .extensions = {".keras", ".h5"},
          .sniff = is_keras,
          .load = [](const std::filesystem::path& path,
                     const LoadOptions& options) { return load_keras(path, options, true); },
          .describe = describe_keras,
          .save = [](const Model& model, const std::filesystem::path& path,
                     const SaveOptions&) { return write_keras(model, path); }};
}

}  // namespace brisk
