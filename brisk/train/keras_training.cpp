// Keras stores the optimizer's variables in one list: iteration, learning_rate (not where a
// schedule gives it), then the slots of each trained variable in turn. Variables come in the order
// of the model's layers.

#include "brisk/train/keras_training.h"

#include <algorithm>

#include "brisk/base/json.h"
#include "brisk/formats/keras/weight_places.h"

namespace brisk {
namespace {

double number(const Json& config, const char* key, double otherwise) {
  const auto found = config.find(key);
  return found != config.end() && found->is_number() ? found->get<double>() : otherwise;
}

OptimizerPtr read_optimizer(const Json& object) {
  require(object.is_object() && object.contains("class_name") && object["class_name"].is_string() &&
              object.contains("config") && object["config"].is_object(),
          "the optimizer is no object with class_name and config");
  const std::string name = object["class_name"].get<std::string>();
  const Json& config = object["config"];
  const auto is_set = [&](const char* key) {
    return config.contains(key) && !config[key].is_null() && config[key] != false;
  };
  require(!is_set("use_ema") && !is_set("gradient_accumulation_steps") && !is_set("amsgrad"),
          "the optimizer {} uses averages of weights, accumulated gradients or amsgrad, which "
          "brisk's has not",
          name);
  require(!config.contains("learning_rate") || config["learning_rate"].is_number(),
          "the learning rate follows a schedule: give brisk a schedule of its own");
  const auto shared = [&](auto options, double rate) {
    options.learning_rate = number(config, "learning_rate", rate);
    options.weight_decay = number(config, "weight_decay", 0);
    options.clipnorm = number(config, "clipnorm", 0);
    options.global_clipnorm = number(config, "global_clipnorm", 0);
    options.clipvalue = number(config, "clipvalue", 0);
    return options;
  };
  if (name == "SGD") {
    SgdOptions options = shared(SgdOptions(), 0.01);
    options.momentum = number(config, "momentum", 0);
    options.nesterov = is_set("nesterov");
    return sgd(options);
  }
  if (name == "Adam" || name == "AdamW") {
    AdamOptions options = shared(AdamOptions(), 0.001);
    options.beta_1 = number(config, "beta_1", 0.9);
    options.beta_2 = number(config, "beta_2", 0.999);
    options.epsilon = number(config, "epsilon", 1e-7);
    return name == "Adam" ? adam(options) : adamw(options);
  }
  if (name == "Muon") {
    MuonOptions options = shared(MuonOptions(), 0.001);
    const auto texts = [&](const char* key) {
      return config.contains(key) && config[key].is_array()
                 ? config[key].get<std::vector<std::string>>()
                 : std::vector<std::string>();
    };
    options.adam_beta_1 = number(config, "adam_beta_1", 0.9);
    options.adam_beta_2 = number(config, "adam_beta_2", 0.999);
    options.adam_weight_decay = number(config, "adam_weight_decay", 0);
    options.epsilon = number(config, "epsilon", 1e-7);
    options.exclude_layers = texts("exclude_layers");
    options.exclude_embeddings = is_set("exclude_embeddings");
    options.muon_a = number(config, "muon_a", options.muon_a);
    options.muon_b = number(config, "muon_b", options.muon_b);
    options.muon_c = number(config, "muon_c", options.muon_c);
    options.adam_lr_ratio = number(config, "adam_lr_ratio", 1);
    options.momentum = number(config, "momentum", 0.95);
    options.ns_steps = static_cast<int64_t>(number(config, "ns_steps", 5));
    options.nesterov = is_set("nesterov");
    options.rms_rate = number(config, "rms_rate", 0);
    return muon(options);
  }
  refuse("brisk has no optimizer '{}'; it has SGD, Adam, AdamW and Muon", name);
}

std::string snake_name(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_object() && json.contains("config") && json["config"].is_string())
    return json["config"].get<std::string>();
  if (json.is_object() && json.contains("config") && json["config"].is_object() &&
      json["config"].contains("name") && json["config"]["name"].is_string())
    return json["config"]["name"].get<std::string>();
  return "";
}

LossSpec read_loss(const Json& json) {
  LossSpec loss;
  loss.name = snake_name(json);
  const std::pair<const char*, const char*> kShort[] = {{"mse", "mean_squared_error"},
                                                        {"mae", "mean_absolute_error"},
                                                        {"bce", "binary_crossentropy"}};
  for (const auto& [alias, full] : kShort)
    if (loss.name == alias) loss.name = full;
  const std::vector<std::string> known = loss_names();
  require(std::ranges::find(known, loss.name) != known.end(), "brisk has no loss '{}'",
          json.dump().substr(0, 200));
  const Json config = json.is_object() && json.contains("config") && json["config"].is_object()
                          ? json["config"]
                          : Json::object();
  loss.from_logits = config.contains("from_logits") && config["from_logits"] == true;
  loss.label_smoothing = number(config, "label_smoothing", 0);
  loss.delta = number(config, "delta", 1);
  return loss;
}

/// Trained parameters in the order of Keras's model.trainable_variables.
std::vector<const StateEntry*> trained_entries(const KerasModel& keras) {
  const std::vector<LayerGroup> groups = layer_groups(keras.config);
  std::vector<std::pair<size_t, const StateEntry*>> ranked;
  for (const StateEntry& entry : keras.model.program.state) {
    if (entry.role != StateRole::parameter || !entry.trainable) continue;
    size_t rank = 0, longest = 0;
    for (size_t g = 0; g < groups.size(); ++g)
      if (entry.name.starts_with(groups[g].state) && groups[g].state.size() > longest) {
        longest = groups[g].state.size();
        rank = g;
      }
    ranked.emplace_back(rank, &entry);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const StateEntry*> entries;
  for (const auto& [rank, entry] : ranked) entries.push_back(entry);
  return entries;
}

}  // namespace

Result<TrainerOptions> keras_training(const KerasModel& keras) {
  if (keras.compile_config.empty())
    return fail("the model was saved uncompiled: it names no optimizer and no loss");
  try {
    const Json compile = parse_json(keras.compile_config, "compile_config", 400).value();
    TrainerOptions options;
    const char* optimizer_key = compile.contains("optimizer") ? "optimizer" : "optimizer_config";
    require(compile.contains(optimizer_key) && compile.contains("loss"),
            "the compile configuration names no optimizer or no loss");
    options.optimizer = read_optimizer(compile[optimizer_key]);
    options.loss = read_loss(compile["loss"]);
    options.metrics.clear();
    if (compile.contains("metrics") && compile["metrics"].is_array())
      for (const Json& metric : compile["metrics"])
        if (metric == "accuracy" || metric == "acc") options.metrics.emplace_back("accuracy");

    const std::vector<Tensor>& variables = keras.optimizer_variables;
    if (variables.empty()) return options;  // compiled, never trained
    const std::vector<const StateEntry*> entries = trained_entries(keras);
    std::vector<std::pair<const StateEntry*, std::string>> slots;
    for (const StateEntry* entry : entries)
      for (std::string& slot : options.optimizer->slots({entry->name, entry->type.shape()}))
        slots.emplace_back(entry, std::move(slot));
    // Keras 2 keeps no learning rate among them: it stands in the configuration alone.
    const bool has_rate = variables.size() != 1 + slots.size();
    const size_t first = has_rate ? 2 : 1;
    require(variables.size() == first + slots.size(),
            "the optimizer {} has {} variables in the file, but {} trained weights need {}",
            options.optimizer->name(), variables.size(), entries.size(), 2 + slots.size());
    options.initial_state["optimizer/iteration"] = variables[0];
    if (has_rate) options.initial_state["optimizer/learning_rate"] = variables[1];
    for (size_t s = 0; s < slots.size(); ++s) {
      const auto& [entry, slot] = slots[s];
      const Tensor& value = variables[first + s];
      require(value.sizes() == entry->type.shape().sizes(),
              "the optimizer's {} of '{}' is {}, but the weight is {}", slot, entry->name,
              value.describe(), entry->type.to_string());
      options.initial_state[fmt::format("optimizer/{}/{}", entry->name, slot)] = value;
    }
    return options;
  } catch (const UserError& error) {
    return fail("{}", error.what());
  }
}

}  // namespace brisk
