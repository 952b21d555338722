// What a call of a layer passes beside its inputs. Keras writes positional and keyword arguments;
// here they become names: tensors go into one list, in order, with the names of the arguments they
// came from under "inputs"; everything else stands beside as it is.

#include <algorithm>
#include <map>
#include <set>

#include "brisk/nn/layer_table.h"
#include "brisk/nn/operations/operation_layer.h"

namespace brisk {
namespace {

using Names = std::vector<std::string>;

const Names& argument_names(const std::string& class_name) {
  static const std::map<std::string, Names, std::less<>> kNames = [] {
    const Names attention = {"query",
                             "value",
                             "key",
                             "query_mask",
                             "value_mask",
                             "key_mask",
                             "attention_mask",
                             "return_attention_scores",
                             "training",
                             "use_causal_mask"};
    const Names dot_attention = {"inputs", "mask", "training", "return_attention_scores",
                                 "use_causal_mask"};
    return std::map<std::string, Names, std::less<>>{
        {"ReversibleEmbedding", {"inputs", "reverse"}},
        {"MultiHeadAttention", attention},
        {"GroupQueryAttention", attention},
        {"GroupedQueryAttention", attention},
        {"Attention", dot_attention},
        {"AdditiveAttention", dot_attention},
        {"Softmax", {"inputs", "mask"}},
        {"BatchNormalization", {"inputs", "training", "mask"}}};
  }();
  static const Names kPlain = {"inputs", "training", "mask"};
  static const Names kRecurrent = {"inputs", "initial_state", "mask", "training"};
  if (is_recurrent_class(class_name) || class_name.starts_with("ConvLSTM")) return kRecurrent;
  const auto found = kNames.find(class_name);
  return found == kNames.end() ? kPlain : found->second;
}

bool is_tensor(const Json& json) {
  return json.is_object() && json.size() == 1 && json.contains("tensor");
}

/// Appends the tensors in `json` (one, or a list or dictionary of them, however deep) to `tensors`.
bool collect_tensors(const Json& json, std::vector<size_t>& tensors) {
  if (is_tensor(json)) {
    tensors.push_back(json["tensor"].get<size_t>());
    return true;
  }
  if (!json.is_structured() || json.empty()) return false;
  for (const Json& element : json)
    if (!element.is_null() && !collect_tensors(element, tensors)) return false;
  return !tensors.empty();
}

bool is_dot_attention(const std::string& class_name) {
  return class_name == "Attention" || class_name == "AdditiveAttention";
}

/// Layers whose results do not depend on a mask that is passed along.
bool ignores_mask(const std::string& class_name) {
  static const std::set<std::string, std::less<>> kReaders = {
      "GlobalAveragePooling1D", "Attention",           "AdditiveAttention",
      "MultiHeadAttention",     "GroupQueryAttention", "Softmax"};
  return !is_recurrent_class(class_name) && !kReaders.contains(class_name);
}

}  // namespace

std::unique_ptr<Layer> layer_from_call(const LayerEntry& entry, const LayerCall& call,
                                       std::vector<TensorReference>& inputs,
                                       std::vector<std::string>* notes) {
  if (entry.is_operation()) {
    inputs = call.inputs;
    return operation_layer(entry, call);
  }
  const Names& names = argument_names(entry.class_name);
  std::vector<std::pair<std::string, Json>> arguments;
  for (size_t i = 0; i < call.args.size(); ++i) {
    require(i < names.size(), "layer '{}' is called with {} arguments, more than a {} takes",
            entry.name, call.args.size(), entry.class_name);
    arguments.emplace_back(names[i], call.args[i]);
  }
  for (const auto& [name, value] : call.kwargs.items())
    arguments.emplace_back(name == "sequences" || name == "sequence" ? "inputs" : name, value);

  Json passed = Json::object();
  Names tensor_names;
  for (const auto& [name, value] : arguments) {
    // Keras's own calls of a model (predict, fit) say anew whether they train.
    if (value.is_null() || value == false || name == "training") continue;
    if (name == "mask" && value.is_array() && is_dot_attention(entry.class_name)) {
      // Masks of query and value, either of which may be None.
      for (size_t i = 0; i < value.size() && i < 2; ++i) {
        if (!is_tensor(value[i])) continue;
        inputs.push_back(call.inputs.at(value[i]["tensor"].get<size_t>()));
        tensor_names.push_back(i == 0 ? "query_mask" : "value_mask");
      }
      continue;
    }
    std::vector<size_t> tensors;
    if (collect_tensors(value, tensors)) {
      require(name != "mask" || !is_model_class(entry.class_name),
              "a mask is passed into the model '{}', which brisk cannot follow", entry.name);
      if (name == "mask" && ignores_mask(entry.class_name)) continue;
      for (const size_t tensor : tensors) {
        require(tensor < call.inputs.size(), "layer '{}' has a malformed call", entry.name);
        inputs.push_back(call.inputs[tensor]);
        tensor_names.push_back(name);
      }
      continue;
    }
    passed[name] = value;
  }
  if (std::ranges::any_of(tensor_names, [](const std::string& name) { return name != "inputs"; }))
    passed["inputs"] = tensor_names;
  Json config = entry.config;
  config["name"] = entry.name;
  if (passed.empty())
    config.erase("call");
  else
    config["call"] = passed;
  return layer_from_config(entry.class_name, config.dump(), notes);
}

}  // namespace brisk
