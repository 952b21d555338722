#include "brisk/formats/package/package.h"

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/formats/gzip/deflate.h"
#include "brisk/formats/gzip/inflate.h"
#include "brisk/formats/package/packed_weights.h"
#include "brisk/formats/safetensors/safetensors.h"
#include "brisk/ir/text.h"
#include "brisk/ops/standard.h"

namespace brisk {
namespace {

constexpr int kFormatVersion = 1;
constexpr int64_t kMaxGraphBytes = int64_t{1} << 30;

Json port(const std::string& name, const Type& type) {
  return {{"name", name},
          {"dtype", std::string(brisk::name(type.dtype()))},
          {"shape", type.shape().to_string()}};
}

std::string signature_text(const Package& package) {
  Json json = {{"format", "brisk.package"}, {"version", kFormatVersion},
               {"name", package.name},      {"inputs", Json::array()},
               {"outputs", Json::array()},  {"class_names", package.class_names}};
  const Graph& graph = package.program.graph;
  for (size_t i = package.program.state.size(); i < graph.inputs().size(); ++i)
    json["inputs"].push_back(port(graph.input_name(i), graph.input_type(i)));
  for (size_t r = 0; r < static_cast<size_t>(package.program.num_results); ++r)
    json["outputs"].push_back(port(graph.outputs()[r].name, graph.output_type(r)));
  if (!package.preprocessing.empty())
    json["preprocessing"] = parse_json(package.preprocessing, "preprocessing").value();
  return json_text(json, 2) + "\n";
}

Status read_signature(const std::filesystem::path& path, Package& package) {
  const Result<std::string> text = read_file(path, 1 << 24);
  if (!text) return text.failure();
  const Result<Json> json = parse_json(*text, path.string());
  if (!json) return json.failure();
  if (!json->is_object() || json->value("format", Json()) != "brisk.package")
    return fail("{} does not describe a brisk package", path.string());
  if (const Json version = json->value("version", Json()); version != kFormatVersion)
    return fail("{} is of version {}, but this brisk reads version {}", path.string(),
                version.dump(), kFormatVersion);
  if (json->contains("name") && (*json)["name"].is_string()) package.name = (*json)["name"];
  if (json->contains("class_names")) {
    const Json& names = (*json)["class_names"];
    if (!names.is_array()) return fail("{}: class_names is not a list", path.string());
    for (const Json& entry : names) {
      if (!entry.is_string())
        return fail("{}: class_names holds {}, which is no text", path.string(), entry.dump());
      package.class_names.push_back(entry);
    }
  }
  if (json->contains("preprocessing")) package.preprocessing = (*json)["preprocessing"].dump();
  return Success{};
}

constexpr const char *kWeights = "weights.safetensors", *kGzippedWeights = "weights.safetensors.gz";

/// Unpacked they hold the state, which graph.txt knows, padding and a header.
Result<SafetensorsFile> read_gzipped(const std::filesystem::path& path, const Program& program) {
  constexpr int64_t kMaxHeader = 100'000'000, kMaxPadding = 64;
  int64_t limit = kMaxHeader + 2 * kMaxPadding;
  for (const StateEntry& entry : program.state)
    limit += byte_size(entry.type.dtype(), entry.type.shape().num_elements()) + kMaxPadding;
  const Result<InflatedFile> file = inflate_file(path, limit);
  if (!file) return file.failure();
  return parse_safetensors({file->bytes.get(), static_cast<size_t>(file->size)}, file->bytes,
                           path.string());
}

Status read_weights(const std::filesystem::path& directory, Package& package) {
  std::error_code error;
  package.gzipped = std::filesystem::exists(directory / kGzippedWeights, error);
  const std::filesystem::path path = directory / (package.gzipped ? kGzippedWeights : kWeights);
  const Result<SafetensorsFile> file =
      package.gzipped ? read_gzipped(path, package.program) : read_safetensors(path);
  if (!file) return file.failure();
  for (const StateEntry& entry : package.program.state) {
    const Tensor* tensor = file->find(entry.name);
    if (tensor == nullptr)
      return fail("{} lacks the tensor '{}' that graph.txt names", path.string(), entry.name);
    const Result<Tensor> weight = from_file(*tensor, entry.type);
    if (!weight) return fail("{}: '{}' {}", path.string(), entry.name, weight.error());
    package.weights.push_back(*weight);
  }
  if (file->tensors.size() != package.program.state.size())
    return fail("{} holds {} tensors, but graph.txt names {}", path.string(), file->tensors.size(),
                package.program.state.size());
  return Success{};
}

Status write_weights(const std::filesystem::path& directory, const Package& package) {
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; i < package.weights.size(); ++i)
    tensors.push_back({package.program.state[i].name, for_file(package.weights[i])});
  const std::filesystem::path path = directory / kWeights;
  if (Status s = write_safetensors(path, tensors); !s || !package.gzipped) return s;
  const Result<MappedFile> file = map_file(path);
  if (!file) return file.failure();
  if (Status s = write_gzip(directory / kGzippedWeights,
                            {file->bytes.get(), static_cast<size_t>(file->size)});
      !s)
    return s;
  std::error_code error;
  if (!std::filesystem::remove(path, error))
    return fail("cannot remove {}: {}", path.string(), error.message());
  return Success{};
}

}  // namespace

Status write_package(const std::filesystem::path& directory, const Package& package) {
  require(package.weights.size() == package.program.state.size(),
          "a package of {} state entries has {} weights", package.program.state.size(),
          package.weights.size());
  return write_directory_atomically(
      directory, [&](const std::filesystem::path& temporary) -> Status {
        if (Status s = write_file_atomically(temporary / "graph.txt", print(package.program)); !s)
          return s;
        if (Status s = write_weights(temporary, package); !s) return s;
        if (!package.optimization.empty())
          if (Status s =
                  write_file_atomically(temporary / "optimization.json", package.optimization);
              !s)
            return s;
        return write_file_atomically(temporary / "signature.json", signature_text(package));
      });
}

Result<Package> read_package(const std::filesystem::path& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error))
    return fail("{} is no model package: it is not a directory", directory.string());
  Package package;
  const std::filesystem::path graph_path = directory / "graph.txt";
  const Result<std::string> text = read_file(graph_path, kMaxGraphBytes);
  if (!text) return text.failure();
  Result<Program> program = parse_program(*text, standard_ops());
  if (!program) return fail("{}: {}", graph_path.string(), program.error());
  package.program = std::move(*program);
  if (Status s = read_signature(directory / "signature.json", package); !s) return s.failure();
  if (Status s = read_weights(directory, package); !s) return s.failure();
  if (std::filesystem::exists(directory / "optimization.json", error)) {
    const Result<std::string> optimization = read_file(directory / "optimization.json", 1 << 26);
    if (!optimization) return optimization.failure();
    package.optimization = *optimization;
  }
  return package;
}

}  // namespace brisk
