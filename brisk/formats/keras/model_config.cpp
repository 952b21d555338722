// Keras refuses keys that it does not know, so what is written is what Keras 3.3 knew; younger
// options are left out while they have their default. Layers stand in topological order,
// input_layers and output_layers as lists of leaves: 3.3 takes no other form.

#include "brisk/formats/keras/model_config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "brisk/formats/keras/unique_names.h"
#include "brisk/nn/layer_table.h"
#include "brisk/nn/layers/cells.h"
#include "brisk/nn/operations/operation_layer.h"
#include "brisk/nn/snake_case.h"
#include "brisk/ops/control/control.h"

namespace brisk {
namespace {

using OrderedJson = nlohmann::ordered_json;

Json tensor(size_t index) {
  return {{"tensor", index}};
}

/// How many operands of a call are data; those behind are state.
size_t num_data(const Graph& region) {
  size_t count = 0;
  while (count < region.inputs().size() &&
         region.input_name(count) == fmt::format("input{}", count))
    ++count;
  return count;
}

/// What the call passes, as arguments of Python: tensors of one name are a list where there are
/// several; the first name is positional, and so is the value of an attention layer.
void pass_arguments(LayerCall& call, const std::string& kind, Json passed) {
  std::vector<std::string> names;
  if (passed.contains("inputs") && passed["inputs"].is_array())
    for (const Json& name : passed["inputs"]) names.push_back(name.get<std::string>());
  passed.erase("inputs");
  if (names.size() != call.inputs.size()) names.assign(call.inputs.size(), "inputs");
  std::vector<std::pair<std::string, Json>> arguments;
  // Keras 2 passes the initial state in one list with the sequence.
  const bool is_recurrent = is_recurrent_class(kind) || kind.starts_with("ConvLSTM");
  for (size_t i = 1; i < names.size(); ++i)
    if (is_recurrent && names[i] == "inputs") names[i] = "initial_state";
  for (size_t i = 0; i < names.size(); ++i) {
    auto found = std::find_if(arguments.begin(), arguments.end(),
                              [&](const auto& a) { return a.first == names[i]; });
    if (found == arguments.end())
      arguments.emplace_back(names[i], Json::array({tensor(i)}));
    else
      found->second.push_back(tensor(i));
  }
  const bool heads = kind == "MultiHeadAttention" || kind == "GroupQueryAttention";
  for (auto& [name, tensors] : arguments) {
    Json value = tensors.size() == 1 && name != "initial_state" ? tensors[0] : tensors;
    if (name == "inputs" || (heads && (name == "query" || name == "value")))
      call.args.push_back(std::move(value));
    else
      call.kwargs[name] = std::move(value);
  }
  if (kind == "Attention" || kind == "AdditiveAttention") {
    if (call.kwargs.contains("query_mask") || call.kwargs.contains("value_mask"))
      call.kwargs["mask"] = Json::array(
          {call.kwargs.value("query_mask", Json()), call.kwargs.value("value_mask", Json())});
    call.kwargs.erase("query_mask");
    call.kwargs.erase("value_mask");
  }
  for (const auto& [name, value] : passed.items())
    if (!value.is_null() && value != false) call.kwargs[name] = value;
}

/// Options that came after Keras 3.3, and the values that need not be written.
struct YoungOption {
  std::string_view class_name, name;
  Json value;
};
const std::vector<YoungOption>& young_options() {
  static const std::vector<YoungOption> options = {
      {"Resizing", "antialias", false},
      {"Resizing", "pad_to_aspect_ratio", false},
      {"Resizing", "fill_mode", "constant"},
      {"Resizing", "fill_value", 0.0},
      {"LSTM", "zero_output_for_mask", false},
      {"GRU", "zero_output_for_mask", false},
      {"SimpleRNN", "zero_output_for_mask", false},
      {"RNN", "zero_output_for_mask", false},
      {"ZeroPadding1D", "data_format", "channels_last"},
      {"RandomFlip", "data_format", "channels_last"},
      {"RandomContrast", "data_format", "channels_last"},
      {"RandomContrast", "value_range", {0, 255}},
      {"RandomBrightness", "data_format", "channels_last"},
  };
  return options;
}

/// Classes whose constructors take no `trainable`.
constexpr std::string_view kWithoutTrainable[] = {"SpatialDropout1D", "SpatialDropout2D",
                                                  "SpatialDropout3D", "Discretization"};

OrderedJson object(std::string_view module, const std::string& class_name, OrderedJson config) {
  return {{"module", std::string(module)},
          {"class_name", class_name},
          {"config", std::move(config)},
          {"registered_name", nullptr}};
}

/// Classes that are no public layers: where Keras finds them.
constexpr std::pair<std::string_view, std::string_view> kPrivateModules[] = {
    {"LayerScale", "keras.src.applications.convnext"},
    {"StochasticDepth", "keras.src.applications.convnext"},
    {"CustomScaleLayer", "keras.src.applications.inception_resnet_v2"},
};

OrderedJson functional_object(const FunctionalConfig& config) {
  OrderedJson json =
      object("keras.src.models.functional", "Functional", keras_config(config)["config"]);
  json["registered_name"] = "Functional";
  return json;
}

/// Whether each layer is called once, on the result of the one before it alone.
bool is_chain(const FunctionalConfig& config) {
  if (config.inputs.size() != 1 || config.outputs.size() != 1 || config.layers.empty() ||
      !config.layers[0].is_input() || !config.output_names.empty())
    return false;
  for (size_t i = 1; i < config.layers.size(); ++i) {
    const LayerEntry& entry = config.layers[i];
    if (entry.is_input() || entry.is_operation() || entry.calls.size() != 1 ||
        entry.calls[0].inputs.size() != 1 || !entry.calls[0].kwargs.empty() ||
        entry.calls[0].inputs[0].layer != config.layers[i - 1].name)
      return false;
  }
  return config.outputs[0].layer == config.layers.back().name;
}

/// A chain of layers as a Sequential: from "output_layers", which 3.3 wants as a list, newer
/// versions of Keras conclude that a Functional gives lists, and so cannot wrap it.
OrderedJson sequential_object(const FunctionalConfig& config) {
  const OrderedJson functional = keras_config(config)["config"];
  OrderedJson layers = OrderedJson::array();
  for (OrderedJson layer : functional["layers"]) {
    layer.erase("name");
    layer.erase("inbound_nodes");
    layers.push_back(std::move(layer));
  }
  return object("keras", "Sequential",
                {{"name", config.name}, {"trainable", config.trainable}, {"layers", layers}});
}

/// The class has had two names, the word has always had one.
bool is_plain_orthogonal(const Json& initializer) {
  if (!initializer.is_object()) return false;
  const Json name = initializer.value("class_name", Json());
  const Json config = initializer.value("config", Json::object());
  return (name == "Orthogonal" || name == "OrthogonalInitializer") &&
         config.value("gain", 1.0) == 1 && config.value("seed", Json()).is_null();
}

OrderedJson layer_object(const std::string& class_name, const std::string& name,
                         const Json& config);

/// A recurrent cell, or a stack of them: its layer's configuration without what concerns sequences.
OrderedJson cell_object(const Json& cell) {
  const std::string class_name = cell.at("class_name").get<std::string>();
  const Json& config = cell.at("config");
  const std::string name = config.value("name", snake_case(class_name));
  if (class_name == "StackedRNNCells") {
    OrderedJson cells = OrderedJson::array();
    for (const Json& inner : config.at("cells")) cells.push_back(cell_object(inner));
    return object("keras.layers", class_name, {{"name", name}, {"cells", std::move(cells)}});
  }
  const std::string layer(recurrent_class_of(class_name));
  const Json full = parse_json(layer_from_config(layer, config.dump())->config(), name).value();
  OrderedJson written = layer_object(layer, name, full);
  written["class_name"] = class_name;
  for (const std::string_view field : kSequenceFields) written["config"].erase(std::string(field));
  return written;
}

/// A layer as Keras constructs it; `config` as brisk's layers write it.
OrderedJson layer_object(const std::string& class_name, const std::string& name,
                         const Json& config) {
  if (is_model_class(class_name))
    return functional_object(parse_functional_config(config, class_name));
  for (const auto& [key, value] : config.items())
    require(value != "hard_sigmoid_of_keras_2",
            "layer '{}' has the {} hard_sigmoid of Keras 2, which Keras 3 does not have", name,
            key);
  OrderedJson written = {{"name", name}, {"trainable", true}, {"dtype", "float32"}};
  if (std::ranges::find(kWithoutTrainable, class_name) != std::end(kWithoutTrainable))
    written.erase("trainable");
  for (const auto& [key, value] : config.items()) {
    if (key == "call" || key == "name" || key == "dtype") continue;
    const bool is_young = std::ranges::any_of(young_options(), [&](const YoungOption& option) {
      return option.class_name == class_name && option.name == key && option.value == value;
    });
    if (is_young) continue;
    if (class_name == "RNN" && key == "cell") {
      written[key] = cell_object(value);
      continue;
    }
    const bool is_layer = (key == "layer" || key == "backward_layer") && value.is_object() &&
                          value.contains("class_name");
    if (!is_layer) {
      // Of Dot's axes Keras takes a number for both inputs, or two.
      const bool is_one = class_name == "Dot" && key == "axes" && value.size() == 1;
      written[key] = is_one ? value[0] : is_plain_orthogonal(value) ? Json("orthogonal") : value;
      continue;
    }
    const std::string inner_class = value.at("class_name").get<std::string>();
    const std::string inner_name = value.at("config").value("name", key);
    const Json inner = parse_json(layer_from_object(value.dump())->config(), inner_name).value();
    if (is_model_class(inner_class)) {
      const FunctionalConfig model = parse_functional_config(inner, "Functional");
      written[key] = is_chain(model) ? sequential_object(model) : functional_object(model);
    } else {
      written[key] = layer_object(inner_class, inner_name, inner);
    }
  }
  for (const auto& [name_of_class, module] : kPrivateModules) {
    if (name_of_class != class_name) continue;
    OrderedJson json = object(module, class_name, std::move(written));
    json["registered_name"] = class_name;
    return json;
  }
  return object("keras.layers", class_name, std::move(written));
}

/// {"tensor": i} as Keras writes tensors.
void write_tensors(OrderedJson& json, const LayerCall& call) {
  if (json.is_object() && json.size() == 1 && json.contains("tensor")) {
    const TensorReference& r = call.inputs.at(json["tensor"].get<size_t>());
    json = {{"class_name", "__keras_tensor__"},
            {"config",
             {{"shape", OrderedJson::array({nullptr})},
              {"dtype", "float32"},
              {"keras_history", OrderedJson::array({r.layer, r.call, r.tensor})}}}};
    return;
  }
  if (json.is_structured())
    for (OrderedJson& element : json) write_tensors(element, call);
}

}  // namespace

FunctionalConfig functional_config_of(const Model& model) {
  const Program& program = model.program;
  const Graph& graph = program.graph;
  FunctionalConfig config;
  config.name = model.name.empty() ? "model" : model.name;
  std::map<ValueId, TensorReference> origins;
  for (size_t i = program.state.size(); i < graph.inputs().size(); ++i) {
    LayerEntry entry{
        .name = graph.input_name(i), .class_name = "InputLayer", .module = "keras.layers"};
    Json shape = Json::array();
    for (const Extent& extent : graph.input_type(i).shape())
      shape.push_back(extent.is_named() ? Json(nullptr) : Json(extent.size()));
    entry.config = {{"batch_shape", shape},
                    {"dtype", std::string(keras_dtype(graph.input_type(i).dtype()))},
                    {"sparse", false}};
    origins[{graph.inputs()[i], 0}] = {entry.name};
    config.inputs.push_back({entry.name});
    config.layers.push_back(std::move(entry));
  }
  std::map<std::string, size_t> layers;
  std::set<std::string> strangers;
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.node(static_cast<NodeId>(id));
    if (node.op->name == "input") continue;
    if (node.op->name != "call") {
      strangers.insert(node.op->name);
      continue;
    }
    const auto& attributes = node.attributes.as<CallAttributes>();
    LayerCall call;
    bool known = true;
    for (size_t o = 0; o < num_data(node.regions[0]); ++o) {
      const auto origin = origins.find(node.operands[o]);
      known = known && origin != origins.end();
      if (known) call.inputs.push_back(origin->second);
    }
    if (!known) continue;  // it reads an op outside of layers, which is refused below
    Json layer_config = attributes.config.empty()
                            ? Json::object()
                            : parse_json(attributes.config, attributes.name, 400).value();
    const auto [found, is_new] = layers.emplace(attributes.name, config.layers.size());
    if (is_new) {
      LayerEntry entry{
          .name = attributes.name, .class_name = attributes.kind, .module = "keras.layers"};
      if (is_operation_kind(attributes.kind)) {
        const size_t dot = attributes.kind.rfind('.');
        entry.module = attributes.kind.substr(0, dot);
        entry.class_name = attributes.kind.substr(dot + 1);
        entry.config = layer_config.value("config", Json::object());
      } else {
        entry.config = layer_config;
        entry.config.erase("call");
      }
      config.layers.push_back(std::move(entry));
    }
    if (is_operation_kind(attributes.kind)) {
      call.args = layer_config.value("args", Json::array());
      call.kwargs = layer_config.value("kwargs", Json::object());
    } else {
      pass_arguments(call, attributes.kind, layer_config.value("call", Json::object()));
    }
    LayerEntry& entry = config.layers[found->second];
    for (size_t r = 0; r < node.results.size(); ++r)
      origins[{static_cast<NodeId>(id), static_cast<int32_t>(r)}] = {
          entry.name, std::ssize(entry.calls), static_cast<int64_t>(r)};
    entry.calls.push_back(std::move(call));
  }
  require(strangers.empty(),
          "the model '{}' cannot be written for Keras: it has ops outside of layers ({})",
          config.name, fmt::join(strangers, ", "));
  bool named = false;
  for (size_t r = 0; r < static_cast<size_t>(program.num_results); ++r) {
    const auto origin = origins.find(graph.outputs()[r].value);
    require(origin != origins.end(), "the output '{}' of the model is no layer's result",
            graph.outputs()[r].name);
    config.outputs.push_back(origin->second);
    config.output_names.push_back(graph.outputs()[r].name);
    named = named || !graph.outputs()[r].name.starts_with(origin->second.layer);
  }
  if (!named || config.outputs.size() == 1) config.output_names.clear();
  return config;
}

OrderedJson keras_config(const FunctionalConfig& given) {
  const FunctionalConfig config = with_unique_names(given);
  const auto reference = [](const TensorReference& r) {
    return OrderedJson::array({r.layer, r.call, r.tensor});
  };
  OrderedJson layers = OrderedJson::array();
  for (const LayerEntry& entry : config.layers) {
    OrderedJson layer;
    if (entry.is_operation()) {
      // With arguments of its own a function takes no name in Keras 3.3.
      OrderedJson own = OrderedJson::object();
      for (const auto& [key, value] : entry.config.items()) own[key] = value;
      if (own.empty()) own["name"] = entry.name;
      layer = object(entry.module, entry.class_name, std::move(own));
      layer["registered_name"] = entry.class_name;
    } else if (entry.is_input()) {
      OrderedJson own;
      for (const char* key : {"batch_shape", "dtype", "sparse"})
        if (entry.config.contains(key)) own[key] = entry.config[key];
      if (!own.contains("batch_shape") && entry.config.contains("batch_input_shape"))
        own["batch_shape"] = entry.config["batch_input_shape"];
      own["name"] = entry.name;
      layer = object("keras.layers", "InputLayer", std::move(own));
    } else {
      layer = layer_object(entry.class_name, entry.name, entry.config);
    }
    layer["name"] = entry.name;
    layer["inbound_nodes"] = OrderedJson::array();
    for (const LayerCall& call : entry.calls) {
      OrderedJson node = {{"args", call.args}, {"kwargs", call.kwargs}};
      write_tensors(node, call);
      layer["inbound_nodes"].push_back(std::move(node));
    }
    layers.push_back(std::move(layer));
  }
  OrderedJson own = {
      {"name", config.name}, {"trainable", config.trainable}, {"layers", std::move(layers)}};
  own["input_layers"] = OrderedJson::array();
  own["output_layers"] = OrderedJson::array();
  for (const TensorReference& input : config.inputs)
    own["input_layers"].push_back(reference(input));
  if (!config.output_names.empty()) own["output_layers"] = OrderedJson::object();
  for (size_t i = 0; i < config.outputs.size(); ++i) {
    if (config.output_names.empty())
      own["output_layers"].push_back(reference(config.outputs[i]));
    else
      own["output_layers"][config.output_names[i]] = reference(config.outputs[i]);
  }
  OrderedJson json = object("keras.src.models.functional", "Functional", std::move(own));
  json["registered_name"] = "Functional";
  return json;
}

}  // namespace brisk
