// A layer's group lists its datasets in the attribute "weight_names": trainable weights, then the
// others (all of a frozen layer's are), each in the order of creation. Layers inside a nested model
// share the group of the outermost layer. So weights are paired by order, and every shape is
// checked.

#include "brisk/formats/keras/legacy_h5.h"

#include <algorithm>
#include <map>

#include "brisk/base/philox.h"
#include "brisk/nn/initializers.h"

namespace brisk {
namespace {

constexpr int64_t kMaxDepth = 400;

}  // namespace

Result<LegacyConfig> read_legacy_config(const Hdf5File& file, const std::string& what) {
  LegacyConfig legacy;
  const auto model = file.text_attribute("", "model_config");
  if (!model) return model.failure();
  if (!model->has_value()) {
    return fail("{} holds weights alone, without a model: {}", what,
                file.has_group("layers") ? "load them into the model they belong to"
                                         : "its root has no attribute 'model_config'");
  }
  Result<Json> json = parse_json(**model, what + " model_config", kMaxDepth);
  if (!json) return json.failure();
  legacy.model = std::move(*json);
  if (const auto training = file.text_attribute("", "training_config");
      training.ok() && training->has_value())
    legacy.training_config = **training;
  if (const auto version = file.text_attribute("", "keras_version");
      version.ok() && version->has_value())
    legacy.keras_version = **version;
  return legacy;
}

Result<std::vector<Tensor>> read_legacy_weights(const Hdf5File& file,
                                                const FunctionalConfig& config,
                                                const std::vector<StateEntry>& state,
                                                const std::string& what) {
  const std::string root = file.has_group("model_weights") ? "model_weights/" : "";
  std::vector<Tensor> weights(state.size());
  for (const LayerEntry& layer : config.layers) {
    std::vector<size_t> entries;
    for (size_t i = 0; i < state.size(); ++i)
      if (state[i].name.starts_with(layer.name + "/") && state[i].role != StateRole::random_key)
        entries.push_back(i);
    std::stable_partition(entries.begin(), entries.end(),
                          [&](size_t i) { return state[i].trainable; });
    if (entries.empty()) continue;
    const auto names = file.texts_attribute(root + layer.name, "weight_names");
    if (!names) return names.failure();
    if (!names->has_value())
      return fail("{}: the layer '{}' has no attribute 'weight_names'", what, layer.name);
    std::vector<std::string> kept;
    for (const std::string& name : **names)
      if (name.find("seed_generator") == std::string::npos) kept.push_back(name);
    if (kept.size() != entries.size())
      return fail("{}: the layer '{}' has {} weights, but its class needs {}", what, layer.name,
                  kept.size(), entries.size());
    for (size_t k = 0; k < kept.size(); ++k) {
      const StateEntry& entry = state[entries[k]];
      Result<Tensor> tensor = file.dataset(root + layer.name + "/" + kept[k]);
      if (!tensor) return fail("{} (needed for '{}')", tensor.error(), entry.name);
      if (tensor->sizes() != entry.type.shape().sizes())
        return fail("{}: '{}' ({}) is {}, but its layer needs {}", what, entry.name, kept[k],
                    tensor->describe(), entry.type.to_string());
      weights[entries[k]] = tensor->dtype() == entry.type.dtype()
                                ? std::move(*tensor)
                                : tensor->cast(entry.type.dtype());
    }
  }
  for (size_t i = 0; i < state.size(); ++i) {
    if (weights[i].defined()) continue;
    if (state[i].role != StateRole::random_key)
      return fail("{} holds nothing for '{}'", what, state[i].name);
    weights[i] = make_initial_value(state[i].initializer, state[i].type, fold_key(0, i));
  }
  return weights;
}

}  // namespace brisk
