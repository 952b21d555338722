#include "brisk/formats/onnx/onnx_file.h"

#include <new>
#include <set>

#include "brisk/formats/onnx/canonical/canonical.h"
#include "brisk/formats/onnx/export/save_onnx.h"
#include "brisk/formats/onnx/integer_products.h"
#include "brisk/formats/onnx/schema/read.h"
#include "brisk/formats/onnx/walk.h"

namespace brisk::onnx {
namespace {

/// The named dimensions of the inputs as brisk names them, with the sizes that are given for them.
class Dimensions {
 public:
  Dimensions(const ModelDef& model, const std::set<std::string>& initialized,
             const LoadOptions& options)
      : sizes_(options.dimensions) {
    for (const ValueDef& input : model.graph.inputs) {
      if (initialized.contains(input.name) || !input.type.shape || input.type.shape->rank() == 0)
        continue;
      batch_ = name_of(input, 0);
      break;
    }
  }

  Shape shape(const ValueDef& input) const {
    require(input.type.shape.has_value(), "input '{}' has no declared shape", input.name);
    Shape shape;
    for (int64_t axis = 0; axis < input.type.shape->rank(); ++axis) {
      const Extent& extent = (*input.type.shape)[axis];
      if (!extent.is_named() && extent.size() >= 0) {
        shape.push_back(extent);
        continue;
      }
      const std::string own = name_of(input, axis), name = own == batch_ ? "batch" : own;
      if (const auto found = sizes_.find(name); found != sizes_.end())
        shape.push_back(Extent(found->second));
      else if (const auto other = sizes_.find(own); other != sizes_.end())
        shape.push_back(Extent(other->second));
      else
        shape.push_back(Extent(name));
    }
    return shape;
  }

 private:
  static std::string name_of(const ValueDef& input, int64_t axis) {
    const Extent& extent = (*input.type.shape)[axis];
    if (extent.is_named()) {
      std::string name;
      for (const char letter : extent.name())
        name.push_back(std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_');
      return name;
    }
    if (extent.size() >= 0) return "";
    std::string name = input.name;
    for (char& letter : name)
      if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
    return fmt::format("{}_{}", name, axis);
  }

  Binding sizes_;
  std::string batch_;
};

Result<ImportedModel> import(const ModelDef& written, const LoadOptions& options) {
  ImportedModel imported;
  imported.report = survey(written);
  ModelDef file = written;
  file.graph = with_integer_products(std::move(file.graph));
  imported.model.name = file.graph.name.empty() ? "onnx" : file.graph.name;
  if (!imported.report.missing.empty()) return imported;
  try {
    std::set<std::string> initialized;
    for (const InitializerDef& entry : file.graph.initializers) initialized.insert(entry.name);
    const Dimensions dimensions(file, initialized, options);
    Trace trace(imported.model.name);
    std::map<std::string, Item> inputs;
    for (const ValueDef& input : file.graph.inputs) {
      if (initialized.contains(input.name)) continue;
      require(input.type.kind == TypeDef::Kind::tensor,
              "input '{}' is a sequence or optional value: such a model runs in stages "
              "(onnx::Session), not as one program",
              input.name);
      inputs[input.name] = trace.input(input.name, input.type.element, dimensions.shape(input));
    }
    Walk walk(trace, file);
    const std::vector<Item> results = walk.run(inputs);
    std::vector<Trace::Output> outputs;
    for (size_t i = 0; i < results.size(); ++i)
      outputs.push_back({file.graph.outputs[i].name, results[i]});
    imported.model.program =
        canonical(trace.finish(outputs, imported.model.weights), imported.model.weights);
    return imported;
  } catch (const UserError& error) {
    return Failure{error.what()};
  } catch (const std::bad_alloc&) {
    return fail("the model asks for more memory than there is");
  }
}

Result<ImportedModel> with_path(Result<ImportedModel> imported, const std::filesystem::path& path) {
  if (!imported) return fail("{}: {}", path.string(), imported.error());
  if (imported->model.name == "onnx" || imported->model.name.empty())
    imported->model.name = path.stem().string();
  return imported;
}

std::string text_of(const TypeDef& type) {
  if (type.kind == TypeDef::Kind::sequence)
    return "sequence<" + (type.inner ? text_of(*type.inner) : "?") + ">";
  if (type.kind == TypeDef::Kind::optional)
    return "optional<" + (type.inner ? text_of(*type.inner) : "?") + ">";
  std::string text(name(type.element));
  if (!type.shape) return text;
  text += "[";
  for (int64_t i = 0; i < type.shape->rank(); ++i) {
    const Extent& extent = (*type.shape)[i];
    text += (i == 0 ? "" : ", ") +
            (!extent.is_named() && extent.size() < 0 ? std::string("?") : extent.to_string());
  }
  return text + "]";
}

/// What the file itself says, where its graph cannot be followed as one program.
ModelDescription plain_description(const ModelDef& file) {
  ModelDescription description;
  std::map<std::string, int64_t> sizes;
  for (const InitializerDef& entry : file.graph.initializers) {
    if (entry.tensor.is_string()) continue;
    const int64_t count = checked_product(entry.tensor.sizes);
    sizes[entry.name] = count;
    description.parameters += count;
    description.bytes += packed_size(entry.tensor.element, count);
  }
  for (const ValueDef& input : file.graph.inputs)
    if (!sizes.contains(input.name))
      description.inputs.push_back({input.name, text_of(input.type)});
  for (const ValueDef& output : file.graph.outputs)
    description.outputs.push_back({output.name, text_of(output.type)});
  for (const NodeDef& node : file.graph.nodes) {
    ModelDescription::Layer layer{
        .name = node.name.empty() && !node.outputs.empty() ? node.outputs[0] : node.name,
        .kind = node.op,
        .output = "?"};
    for (const std::string& input : node.inputs)
      if (const auto found = sizes.find(input); found != sizes.end())
        layer.parameters += found->second;
    description.layers.push_back(std::move(layer));
  }
  return description;
}

}  // namespace

Result<ImportedModel> load_onnx(const std::filesystem::path& path, const LoadOptions& options) {
  const Result<ModelDef> file = read_model(path);
  if (!file) return file.failure();
  return with_path(import(*file, options), path);
}

Result<ImportedModel> load_onnx_bytes(std::string bytes, const std::filesystem::path& folder,
                                      const LoadOptions& options) {
  const Result<ModelDef> file = parse_model(std::move(bytes), folder);
  if (!file) return file.failure();
  return import(*file, options);
}

Result<ModelDescription> describe_onnx(const std::filesystem::path& path,
                                       const LoadOptions& options) {
  const Result<ModelDef> file = read_model(path, {.weights = false});
  if (!file) return file.failure();
  const Result<ImportedModel> imported = import(*file, options);
  const bool followed = imported.ok() && imported->report.missing.empty();
  ModelDescription description =
      followed ? describe_model(imported->model) : plain_description(*file);
  description.name = file->graph.name.empty() ? path.stem().string() : file->graph.name;
  const auto opset = file->opsets.find("");
  description.format = fmt::format("ONNX, IR version {}, opset {}", file->ir_version,
                                   opset == file->opsets.end() ? 1 : opset->second);
  description.producer =
      file->producer + (file->producer_version.empty() ? "" : " " + file->producer_version);
  return description;
}

ModelFormat onnx_format() {
  return {.name = "onnx",
          .extensions = {".onnx"},
          .sniff =
              [](const std::filesystem::path& path, std::string_view bytes) {
                return path.extension() == ".onnx" || looks_like_model(bytes);
              },
          .load = load_onnx,
          .describe = describe_onnx,
          .save = save_onnx};
}

}  // namespace brisk::onnx
