#pragma once

/// The configuration of a Functional or Sequential model, taken apart. Both are the same here: a
/// list of layers, each called zero or more times on results of other calls.

#include <string>
#include <vector>

#include "brisk/base/json.h"

namespace brisk {

/// Result `tensor` of call `call` of a layer.
struct TensorReference {
  std::string layer;
  int64_t call = 0, tensor = 0;
};

/// One call of a layer. In `args` and `kwargs` a tensor is {"tensor": i}, an index into `inputs`.
struct LayerCall {
  std::vector<TensorReference> inputs;
  Json args = Json::array(), kwargs = Json::object();
};

struct LayerEntry {
  std::string name, class_name;
  std::string module;           ///< "keras.layers"; empty in files of Keras 2
  std::string registered_name;  ///< of custom classes; else empty
  Json config = Json::object();
  std::vector<LayerCall> calls;
  bool is_input() const { return class_name == "InputLayer"; }
  /// Whether it is a function of keras.ops rather than a layer.
  bool is_operation() const;
};

struct FunctionalConfig {
  std::string name;
  bool trainable = true;
  std::vector<LayerEntry> layers;
  std::vector<TensorReference> inputs, outputs;
  /// Keys of the outputs where the model returns a dictionary; else empty.
  std::vector<std::string> output_names;

  /// Index of the layer; refused (UserError) when there is none of that name.
  size_t layer_index(std::string_view layer) const;
};

/// `config`: the "config" of a Functional, Model or Sequential object, of Keras 3 or 2. Refused
/// (UserError) with the layer's name where it does not fit together.
FunctionalConfig parse_functional_config(const Json& config, std::string_view class_name);

/// Whether the class is a model of layers: Functional, Model, Sequential.
bool is_model_class(std::string_view class_name);

/// Whether the class runs over the steps of a sequence, with a state and under a mask: SimpleRNN,
/// LSTM, GRU, RNN, Bidirectional.
bool is_recurrent_class(std::string_view class_name);

/// The parsed form as JSON again, as parse_functional_config reads it.
Json to_json(const FunctionalConfig& config);

/// Calls `visit(object)` for each tensor object ({"class_name": "__keras_tensor__", ...}) in
/// `json`, in order of appearance; what it returns stands in the object's place.
template <typename F>
void replace_tensors(Json& json, F&& visit) {
  if (json.is_object()) {
    const auto kind = json.find("class_name");
    if (kind != json.end() && *kind == "__keras_tensor__") {
      json = visit(json);
      return;
    }
  }
  if (json.is_structured())
    for (Json& element : json) replace_tensors(element, visit);
}

}  // namespace brisk
