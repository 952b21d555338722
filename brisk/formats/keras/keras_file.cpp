#include "brisk/formats/keras/keras_file.h"

#include <map>
#include <set>

#include "brisk/base/file.h"
#include "brisk/base/philox.h"
#include "brisk/formats/keras/legacy_h5.h"
#include "brisk/formats/keras/weight_files.h"
#include "brisk/formats/keras/weight_places.h"
#include "brisk/formats/keras/zip.h"
#include "brisk/nn/initializers.h"

namespace brisk {
namespace {

constexpr int64_t kMaxConfigBytes = int64_t{256} << 20;
constexpr int64_t kMaxKerasDepth = 400;  ///< of JSON: about six levels a nested model
constexpr int64_t kMaxWeightBytes = int64_t{64} << 30;

/// The members of a .keras file, from an archive or a directory.
class Members {
 public:
  static Result<Members> open(const std::filesystem::path& path) {
    Members members;
    members.path_ = path;
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return members;
    Result<ZipFile> zip = ZipFile::open(path);
    if (!zip) return zip.failure();
    members.zip_ = std::move(*zip);
    return members;
  }
  bool has(const std::string& name) const {
    std::error_code error;
    return zip_ ? zip_->has(name) : std::filesystem::is_regular_file(path_ / name, error);
  }
  Result<std::string> read(const std::string& name, int64_t limit) const {
    return zip_ ? zip_->read(name, limit) : read_file(path_ / name, limit);
  }

 private:
  std::filesystem::path path_;
  std::optional<ZipFile> zip_;
};

/// The dataset of a place; attribute paths of MultiHeadAttention have had two spellings.
std::string find_dataset(const WeightFiles& file, const WeightPlace& place) {
  const auto dataset = [&](const std::string& group) {
    return fmt::format("{}/vars/{}", group, place.index);
  };
  if (file.has_dataset(dataset(place.group))) return dataset(place.group);
  const size_t slash = place.group.rfind('/');
  if (slash != std::string::npos) {
    const std::string other =
        place.group.substr(0, slash + 1) + "_" + place.group.substr(slash + 1);
    if (file.has_dataset(dataset(other))) return dataset(other);
  }
  return dataset(place.group);
}

/// A layer that is in two models, one of them in the other, is in the file where Keras came to it
/// first; its other groups are missing. Replaces `place`, which is in such a group, by the one
/// there; gives the layer's name in the model, or nothing where no layer of that name is in the
/// file.
std::optional<std::string> find_elsewhere(const WeightFiles& file,
                                          const std::vector<LayerGroup>& groups,
                                          WeightPlace& place) {
  for (const LayerGroup& own : groups) {
    if (place.group != own.group && !place.group.starts_with(own.group + "/")) continue;
    if (file.has_group(own.group)) continue;
    for (const LayerGroup& other : groups) {
      if (other.layer != own.layer || !file.has_group(other.group)) continue;
      place.group.replace(0, own.group.size(), other.group);
      return own.state.substr(0, own.state.size() - 1);
    }
  }
  return std::nullopt;
}

Status read_weights(KerasModel& keras, const WeightFiles& file, const std::string& what) {
  const std::vector<StateEntry>& state = keras.model.program.state;
  std::vector<WeightPlace> places = weight_places(keras.config, state);
  std::vector<Tensor> weights;
  const std::vector<LayerGroup> groups = layer_groups(keras.config);
  std::set<std::string> copied;
  std::map<std::string, int64_t> counts;
  for (const WeightPlace& place : places)
    if (!place.group.empty()) ++counts[place.group];
  for (size_t i = 0; i < state.size(); ++i) {
    if (places[i].group.empty()) {
      weights.push_back(make_initial_value(state[i].initializer, state[i].type, fold_key(0, i)));
      continue;
    }
    if (!file.has_dataset(find_dataset(file, places[i])))
      if (const auto layer = find_elsewhere(file, groups, places[i])) copied.insert(*layer);
    Result<Tensor> tensor = file.dataset(find_dataset(file, places[i]));
    if (!tensor) return fail("{} (needed for '{}')", tensor.error(), state[i].name);
    if (tensor->sizes() != state[i].type.shape().sizes())
      return fail("{}: '{}' at {}/vars/{} is {}, but its layer needs {}", what, state[i].name,
                  places[i].group, places[i].index, tensor->describe(), state[i].type.to_string());
    weights.push_back(tensor->dtype() == state[i].type.dtype()
                          ? std::move(*tensor)
                          : tensor->cast(state[i].type.dtype()));
  }
  for (const auto& [group, count] : counts)
    if (file.has_dataset(fmt::format("{}/vars/{}", group, count)))
      return fail("{}: the group '{}' has more than the {} variables that brisk's layer knows",
                  what, group, count);
  for (const std::string& layer : copied)
    keras.notes.push_back(fmt::format(
        "{}: is shared with a model inside; its weights are read twice and trained apart", layer));
  keras.model.weights = std::move(weights);
  return Success{};
}

Status read_optimizer_variables(KerasModel& keras, const WeightFiles& file) {
  for (int64_t i = 0; file.has_dataset(fmt::format("optimizer/vars/{}", i)); ++i) {
    Result<Tensor> variable = file.dataset(fmt::format("optimizer/vars/{}", i));
    if (!variable) return variable.failure();
    keras.optimizer_variables.push_back(std::move(*variable));
  }
  return Success{};
}

/// hard_sigmoid has been another function since Keras 3.
void name_hard_sigmoid_of_keras_2(Json& json) {
  if (!json.is_structured()) return;
  for (const auto& [key, value] : json.items()) {
    if ((key == "activation" || key == "recurrent_activation") && value == "hard_sigmoid")
      value = "hard_sigmoid_of_keras_2";
    else
      name_hard_sigmoid_of_keras_2(value);
  }
}

/// The object of a model's configuration file.
Status build(KerasModel& keras, const Json& object, const KerasOptions& options,
             const std::string& what) {
  try {
    require(object.is_object() && object.contains("class_name") &&
                object["class_name"].is_string() && object.contains("config") &&
                object["config"].is_object(),
            "the configuration is no object with class_name and config");
    const std::string class_name = object["class_name"].get<std::string>();
    require(is_model_class(class_name),
            "the model is of the class '{}': a custom class, whose Python code is not in the file; "
            "brisk reads Sequential and "
            "Functional models",
            class_name);
    Json config = object["config"];
    if (class_name == "Sequential" && object.contains("build_config") &&
        object["build_config"].is_object() && object["build_config"].contains("input_shape") &&
        !config.contains("build_input_shape"))
      config["build_input_shape"] = object["build_config"]["input_shape"];
    if (keras.keras_version.starts_with("2.")) name_hard_sigmoid_of_keras_2(config);
    keras.config = parse_functional_config(config, class_name);
    keras.unknown = unknown_layers(keras.config);
    if (keras.unknown.empty())
      keras.model = build_functional(keras.config, options.dimensions, &keras.notes);
  } catch (const UserError& error) {
    return fail("{}: {}", what, error.what());
  } catch (const Json::exception& error) {
    return fail("{}: {}", what, error.what());
  }
  return Success{};
}

Result<KerasModel> read_v3(const std::filesystem::path& path, const KerasOptions& options) {
  Result<Members> members = Members::open(path);
  if (!members) return members.failure();
  const std::string what = path.string();
  const Result<std::string> text = members->read("config.json", kMaxConfigBytes);
  if (!text) return text.failure();
  const Result<Json> object = parse_json(*text, what + " config.json", kMaxKerasDepth);
  if (!object) return object.failure();
  KerasModel keras;
  if (members->has("metadata.json"))
    if (const Result<std::string> metadata = members->read("metadata.json", 1 << 20); metadata.ok())
      if (const Result<Json> json = parse_json(*metadata, what + " metadata.json");
          json.ok() && json->is_object())
        keras.keras_version = json->value("keras_version", "");
  if (object->is_object() && object->contains("compile_config") &&
      (*object)["compile_config"].is_object() && !(*object)["compile_config"].empty())
    keras.compile_config = (*object)["compile_config"].dump();
  if (Status s = build(keras, *object, options, what); !s) return s.failure();
  if (!keras.unknown.empty() || !options.weights) return keras;
  if (!members->has("model.weights.h5"))
    return fail("{} has no member 'model.weights.h5'{}", what,
                members->has("model.weights.npz") ? ": its weights are pickled Python objects "
                                                    "(model.weights.npz), which brisk never loads"
                                                  : "");
  Result<std::string> bytes = members->read("model.weights.h5", kMaxWeightBytes);
  if (!bytes) return bytes.failure();
  Result<Hdf5File> file = Hdf5File::open(std::make_shared<const std::string>(std::move(*bytes)),
                                         what + " model.weights.h5");
  if (!file) return file.failure();
  const WeightFiles weights(std::move(*file));
  if (Status s = read_weights(keras, weights, what); !s) return s.failure();
  if (Status s = read_optimizer_variables(keras, weights); !s) return s.failure();
  return keras;
}

Result<KerasModel> read_h5(const std::filesystem::path& path, const KerasOptions& options) {
  Result<Hdf5File> file = Hdf5File::open(path);
  if (!file) return file.failure();
  Result<LegacyConfig> legacy = read_legacy_config(*file, path.string());
  if (!legacy) return legacy.failure();
  KerasModel keras;
  keras.keras_version = legacy->keras_version;
  keras.compile_config = legacy->training_config;
  if (Status s = build(keras, legacy->model, options, path.string()); !s) return s.failure();
  if (!keras.unknown.empty() || !options.weights) return keras;
  Result<std::vector<Tensor>> weights =
      read_legacy_weights(*file, keras.config, keras.model.program.state, path.string());
  if (!weights) return weights.failure();
  keras.model.weights = std::move(*weights);
  return keras;
}

}  // namespace

Result<KerasModel> read_keras(const std::filesystem::path& path, const KerasOptions& options) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return fail("{} does not exist", path.string());
  if (std::filesystem::is_directory(path, error)) return read_v3(path, options);
  const Result<MappedFile> file = map_file(path);
  if (!file) return file.failure();
  const std::string_view bytes(reinterpret_cast<const char*>(file->bytes.get()),
                               static_cast<size_t>(file->size));
  if (bytes.starts_with("\x89HDF\r\n\x1a\n")) return read_h5(path, options);
  return read_v3(path, options);
}

Status load_keras_weights(KerasModel& model, const std::filesystem::path& path) {
  const Result<WeightFiles> files = WeightFiles::open(path);
  if (!files) return files.failure();
  return read_weights(model, *files, path.string());
}

}  // namespace brisk
