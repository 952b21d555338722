#pragma once

/// Files that hold models: one table of formats, a row each, behind the verbs import, export and
/// inspect and behind `brisk::load`. A format is found by what the file holds, then by its name's
/// ending. To add one: a folder of its own with the functions of a row, and the row in
/// model_file.cpp.

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/base/error.h"
#include "brisk/nn/model.h"

namespace brisk {

struct LoadOptions {
  /// Sizes for named dimensions, where a model needs them to be understood ({"batch": 1}).
  Binding dimensions = {};
  /// Weights that are read instead of those in the model file: Keras's x.weights.h5 and
  /// x.weights.json.
  std::filesystem::path weights = {};
};

/// What a reader understood of a foreign model, for people.
struct ImportReport {
  /// An op or layer of the foreign format: how often, and what became of it.
  struct Row {
    std::string op;
    int64_t count = 0;
    std::string where;  ///< the first node's name
    std::string note;   ///< approximated: how it differs; missing: what would help
  };
  std::vector<Row> understood, approximated, missing;
};

/// A foreign model as the zoo would give it, and how it was read. Where `report.missing` is not
/// empty there is no model: `model.program.graph` is not defined.
struct ImportedModel {
  Model model;
  ImportReport report;
};

/// What `brisk inspect` prints. Gained without reading weights.
struct ModelDescription {
  struct Port {
    std::string name, type;  ///< type: "f32[batch, 28, 28, 1]"
  };
  struct Layer {
    std::string name, kind, output;
    int64_t parameters = 0;  ///< elements of the state that the layer uses
    double flops = 0;        ///< of one sample; 0 where it is not known
  };
  std::string name, format, producer;
  std::vector<Port> inputs, outputs;
  std::vector<Layer> layers;
  int64_t parameters = 0, trainable = 0, bytes = 0;
};

struct SaveOptions {
  /// Sizes for named dimensions that the format cannot leave open.
  Binding dimensions;
  /// Format's own version (ONNX: the opset); 0: the writer's choice.
  int version = 0;
  /// Weights in a file of their own beside the model, where the format knows that (ONNX).
  bool external_data = false;
};

/// A row of the table. Functions that a format lacks are empty; `reason` says why.
struct ModelFormat {
  std::string_view name;                     ///< "onnx": what `--to` takes
  std::vector<std::string_view> extensions;  ///< {".onnx"}
  /// Whether the file is of this format, judged by its first bytes (up to 4096; a directory has
  /// none). Empty: by the extension alone.
  std::function<bool(const std::filesystem::path&, std::string_view first_bytes)> sniff;
  std::function<Result<ImportedModel>(const std::filesystem::path&, const LoadOptions&)> load;
  std::function<Result<ModelDescription>(const std::filesystem::path&, const LoadOptions&)>
      describe;
  std::function<Status(const Model&, const std::filesystem::path&, const SaveOptions&)> save;
};

/// All formats, in the order they are asked.
std::vector<ModelFormat> model_formats();

/// The format of a file or directory; fails with what the file looks like and what can be read.
Result<ModelFormat> find_model_format(const std::filesystem::path& path);
/// The format of that name; fails with the nearest one.
Result<ModelFormat> find_model_format_named(std::string_view name);

/// `brisk::load("model.onnx")`: the same Model that the zoo gives. Fails with the report's missing
/// ops where the file is understood but not all of its ops are known.
Result<Model> load(const std::filesystem::path& path, const LoadOptions& options = {});
/// The same with the report; fails only where the file itself cannot be read.
Result<ImportedModel> load_with_report(const std::filesystem::path& path,
                                       const LoadOptions& options = {});
/// Writes `model` in the format named `format`, or by the path's extension where it is empty.
Status save(const Model& model, const std::filesystem::path& path, std::string_view format = {},
            const SaveOptions& options = {});
Result<ModelDescription> describe(const std::filesystem::path& path,
                                  const LoadOptions& options = {});

/// The description of a model that is loaded (its weights are not looked at).
ModelDescription describe_model(const Model& model);

}  // namespace brisk
