// Keras writes the graph of a Functional model as a list of layers with `inbound_nodes`, a node for
// each call. A tensor names its origin: [layer, node of that layer, result]. Two spellings exist:
//
//   Keras 3:  {"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": [...]}}],
//              "kwargs": {...}}
//   Keras 2:  [["layer", node, result, {kwargs}], ...]: one list argument, or a single tensor
//
// A Sequential model is a list of layers without nodes, each called once on the result before it.

#include "brisk/nn/functional_config.h"

#include <algorithm>
#include <set>

#include "brisk/nn/layer_masks.h"
#include "brisk/nn/layer_table.h"
#include "brisk/nn/operations/operation_layer.h"
#include "brisk/nn/tensorflow_function.h"

namespace brisk {
namespace {

const Json& member(const Json& object, const char* key, Json::value_t type, std::string_view what) {
  require(object.is_object() && object.contains(key) && object[key].type() == type,
          "{} has no {} '{}'", what, Json(type).type_name(), key);
  return object[key];
}

std::string text_or(const Json& object, const char* key, const std::string& otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

constexpr const char* kConstantValue = "_CONSTANT_VALUE";

bool is_reference(const Json& json) {
  return json.is_array() && json.size() >= 3 && json[0].is_string() && json[0] != kConstantValue &&
         json[1].is_number_integer() && json[2].is_number_integer();
}

TensorReference parse_reference(const Json& json) {
  require(is_reference(json), "a tensor must be [layer, call, result], but is {}",
          json.dump().substr(0, 200));
  return {json[0].get<std::string>(), json[1].get<int64_t>(), json[2].get<int64_t>()};
}

/// In a call of Keras 2: a tensor, or a value in its place, ["_CONSTANT_VALUE", -1, 2.0, ...].
bool is_tensor_or_constant(const Json& json) {
  return is_reference(json) || (json.is_array() && json.size() >= 3 && json[0] == kConstantValue);
}

/// References of `input_layers` and `output_layers`: one, a list or a dictionary of them.
void parse_references(const Json& json, const std::string& key,
                      std::vector<TensorReference>& references, std::vector<std::string>& keys) {
  if (is_reference(json)) {
    references.push_back(parse_reference(json));
    keys.push_back(key);
    return;
  }
  require(json.is_structured(), "input_layers and output_layers hold tensors, not {}",
          json.dump().substr(0, 200));
  for (const auto& [name, element] : json.items())
    parse_references(element, json.is_object() ? name : key, references, keys);
}

LayerCall parse_call(const Json& node) {
  LayerCall call;
  const auto add = [&](TensorReference reference) {
    call.inputs.push_back(std::move(reference));
    return Json{{"tensor", call.inputs.size() - 1}};
  };
  const auto add_keras_tensor = [&](const Json& tensor) {
    const Json& config = member(tensor, "config", Json::value_t::object, "a tensor");
    return add(parse_reference(member(config, "keras_history", Json::value_t::array, "a tensor")));
  };
  if (node.is_object()) {
    call.args = member(node, "args", Json::value_t::array, "a call");
    if (node.contains("kwargs"))
      call.kwargs = member(node, "kwargs", Json::value_t::object, "a call");
    replace_tensors(call.args, add_keras_tensor);
    replace_tensors(call.kwargs, add_keras_tensor);
    return call;
  }
  require(node.is_array(), "a call must be an object or a list, but is {}",
          node.dump().substr(0, 200));
  Json tensors = Json::array();
  for (const Json& element : is_tensor_or_constant(node) ? Json::array({node}) : node) {
    const bool is_constant = is_tensor_or_constant(element) && !is_reference(element);
    tensors.push_back(is_constant ? element[2] : add(parse_reference(element)));
    if (element.size() > 3 && element[3].is_object())
      for (const auto& [key, value] : element[3].items())
        // A tensor among the keyword arguments; a list that only looks like one starts with no
        // name.
        call.kwargs[key] = is_reference(value) ? add(parse_reference(value)) : value;
  }
  call.args.push_back(tensors.size() == 1 ? tensors[0] : tensors);
  return call;
}

LayerEntry parse_layer(const Json& json) {
  LayerEntry entry;
  entry.class_name =
      member(json, "class_name", Json::value_t::string, "a layer").get<std::string>();
  entry.config = member(json, "config", Json::value_t::object,
                        fmt::format("a layer of the class '{}'", entry.class_name));
  entry.name = text_or(json, "name", text_or(entry.config, "name", ""));
  entry.module = text_or(json, "module", "");
  entry.registered_name = text_or(json, "registered_name", "");
  // In .h5 files of Keras 3 only this tells a function of keras.ops from a layer of its name.
  const auto found = json.find("inbound_nodes");
  const bool called_as_in_keras_3 =
      found != json.end() && found->is_array() && !found->empty() && found->front().is_object();
  if (entry.module.empty() && called_as_in_keras_3 && !entry.config.contains("trainable") &&
      (!entry.config.contains("dtype") || !has_layer_class(entry.class_name)))
    entry.module = operation_module(entry.class_name);
  if (const auto nodes = json.find("inbound_nodes"); nodes != json.end()) {
    require(nodes->is_array(), "layer '{}': inbound_nodes must be a list", entry.name);
    for (const Json& node : *nodes) entry.calls.push_back(parse_call(node));
  }
  become_operation(entry);
  return entry;
}

/// Each layer called once on the result before it.
void chain(FunctionalConfig& model, const Json& config) {
  if (model.layers.empty() || !model.layers[0].is_input()) {
    LayerEntry input{
        .name = model.name + "_input", .class_name = "InputLayer", .module = "keras.layers"};
    if (!model.layers.empty())
      for (const char* key : {"batch_input_shape", "batch_shape"})
        if (model.layers[0].config.contains(key))
          input.config["batch_shape"] = model.layers[0].config[key];
    if (!input.config.contains("batch_shape"))
      for (const char* key : {"build_input_shape", "batch_input_shape"})
        if (config.contains(key) && config[key].is_array())
          input.config["batch_shape"] = config[key];
    model.layers.insert(model.layers.begin(), std::move(input));
  }
  std::string previous = model.layers[0].name, mask;
  std::vector<LayerEntry> chained = {model.layers[0]};
  for (size_t i = 1; i < model.layers.size(); ++i) {
    LayerEntry layer = std::move(model.layers[i]);
    LayerCall call{.inputs = {{previous}}, .args = Json::array({{{"tensor", 0}}})};
    if (!mask.empty() && reads_mask(layer)) {
      call.inputs.push_back({mask});
      call.kwargs["mask"] = {{"tensor", 1}};
    }
    layer.calls = {std::move(call)};
    std::vector<LayerEntry> functions = mask_functions(layer, layer.name, {previous});
    if (!passes_mask(layer)) mask.clear();
    if (!functions.empty()) mask = functions.back().name;
    previous = layer.name;
    chained.push_back(std::move(layer));
    for (LayerEntry& function : functions) chained.push_back(std::move(function));
  }
  model.layers = std::move(chained);
  model.inputs = {{model.layers[0].name}};
  model.outputs = {{previous}};
}

/// In Keras 2 call 0 of a model inside is the one it was built by, which is not written.
void count_from_the_first_call(FunctionalConfig& model) {
  std::set<std::string> inside;
  for (const LayerEntry& entry : model.layers)
    if (is_model_class(entry.class_name) && entry.config.contains("layers") &&
        entry.config["layers"].is_array() && !entry.config["layers"].empty() &&
        entry.config["layers"][0].is_object() &&
        entry.config["layers"][0].value("class_name", Json()) == "InputLayer")
      inside.insert(entry.name);
  const auto count = [&](std::vector<TensorReference>& references) {
    for (TensorReference& reference : references)
      if (reference.call > 0 && inside.contains(reference.layer)) --reference.call;
  };
  for (LayerEntry& entry : model.layers)
    for (LayerCall& call : entry.calls) count(call.inputs);
  count(model.outputs);
}

}  // namespace

bool LayerEntry::is_operation() const {
  return module.starts_with("keras.src.ops") || module.starts_with("keras.ops");
}

bool is_model_class(std::string_view class_name) {
  return class_name == "Functional" || class_name == "Model" || class_name == "Sequential";
}

bool is_recurrent_class(std::string_view class_name) {
  static constexpr std::string_view kClasses[] = {"SimpleRNN", "LSTM", "GRU", "RNN",
                                                  "Bidirectional"};
  return std::ranges::find(kClasses, class_name) != std::end(kClasses);
}

size_t FunctionalConfig::layer_index(std::string_view layer) const {
  for (size_t i = 0; i < layers.size(); ++i)
    if (layers[i].name == layer) return i;
  refuse("the model '{}' has no layer '{}'", name, layer);
}

FunctionalConfig parse_functional_config(const Json& config, std::string_view class_name) {
  FunctionalConfig model;
  model.name = text_or(config, "name", "model");
  if (config.contains("trainable") && config["trainable"].is_boolean())
    model.trainable = config["trainable"].get<bool>();
  std::set<std::string> names;
  for (const Json& layer : member(config, "layers", Json::value_t::array, "a model")) {
    model.layers.push_back(parse_layer(layer));
    LayerEntry& entry = model.layers.back();
    if (entry.name.empty()) entry.name = fmt::format("layer_{}", model.layers.size());
    require(names.insert(entry.name).second, "two layers of the model '{}' are named '{}'",
            model.name, entry.name);
  }
  if (class_name == "Sequential") {
    chain(model, config);
    return model;
  }
  for (LayerEntry& entry : model.layers)
    if (entry.is_input()) entry.calls.clear();
  const bool is_keras_2 = std::ranges::any_of(config["layers"], [](const Json& layer) {
    return layer.contains("inbound_nodes") && !layer["inbound_nodes"].empty() &&
           layer["inbound_nodes"][0].is_array();
  });
  std::vector<std::string> keys;
  require(config.contains("input_layers") && config.contains("output_layers"),
          "the model '{}' has no input_layers or no output_layers", model.name);
  parse_references(config["input_layers"], "", model.inputs, keys);
  keys.clear();
  parse_references(config["output_layers"], "", model.outputs, keys);
  if (!keys.empty() && !keys[0].empty()) model.output_names = keys;
  if (is_keras_2) count_from_the_first_call(model);
  require(!model.outputs.empty(), "the model '{}' has no output", model.name);
  for (const TensorReference& input : model.inputs)
    require(model.layers[model.layer_index(input.layer)].is_input(),
            "the input '{}' of the model '{}' is no InputLayer", input.layer, model.name);
  follow_masks(model, is_keras_2 ? MaskRules::keras_2 : MaskRules::keras_3);
  return model;
}

Json to_json(const FunctionalConfig& config) {
  const auto reference = [](const TensorReference& r) {
    return Json::array({r.layer, r.call, r.tensor});
  };
  Json layers = Json::array();
  for (const LayerEntry& entry : config.layers) {
    Json nodes = Json::array();
    for (const LayerCall& call : entry.calls) {
      Json node = {{"args", call.args}, {"kwargs", call.kwargs}};
      const auto restore = [&](auto& self, Json& json) -> void {
        if (json.is_object() && json.size() == 1 && json.contains("tensor")) {
          const TensorReference& r = call.inputs[json["tensor"].get<size_t>()];
          json = {{"class_name", "__keras_tensor__"},
                  {"config", {{"keras_history", reference(r)}}}};
          return;
        }
        if (json.is_structured())
          for (Json& element : json) self(self, element);
      };
      restore(restore, node);
      nodes.push_back(std::move(node));
    }
    Json layer = {{"class_name", entry.class_name},
                  {"module", entry.module},
                  {"name", entry.name},
                  {"config", entry.config},
                  {"inbound_nodes", nodes}};
    layers.push_back(std::move(layer));
  }
  Json json = {{"name", config.name},
               {"trainable", config.trainable},
               {"layers", layers},
               {"input_layers", Json::array()},
               {"output_layers", Json::array()}};
  for (const TensorReference& r : config.inputs) json["input_layers"].push_back(reference(r));
  for (size_t i = 0; i < config.outputs.size(); ++i) {
    if (config.output_names.empty())
      json["output_layers"].push_back(reference(config.outputs[i]));
    else {
      if (i == 0) json["output_layers"] = Json::object();
      json["output_layers"][config.output_names[i]] = reference(config.outputs[i]);
    }
  }
  return json;
}

}  // namespace brisk
