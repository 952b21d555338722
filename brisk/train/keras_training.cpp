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
  refuse("brisk has no optimizer '{}'; it has SGD, Adam and AdamW", name);
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
    const std::vector<std::string> slots = options.optimizer->slots();
    const std::vector<const StateEntry*> entries = trained_entries(keras);
    require(variables.size() == 2 + entries.size() * slots.size(),
            "the optimizer {} has {} variables in the file, but {} trained weights need {}",
            options.optimizer->name(), variables.size(), entries.size(),
            2 + entries.size() * slots.size());
    options.initial_state["optimizer/iteration"] = variables[0];
    options.initial_state["optimizer/learning_rate"] = variables[1];
    for (size_t e = 0; e < entries.size(); ++e)
      for (size_t s = 0; s < slots.size(); ++s) {
        const Tensor& slot = variables[2 + e * slots.size() + s];
        require(slot.sizes() == entries[e]->type.shape().sizes(),
                "the optimizer's {} of '{}' is {}, but the weight is {}", slots[s],
                entries[e]->name, slot.describe(), entries[e]->type.to_string());
        options.initial_state[fmt::format("optimizer/{}/{}", entries[e]->name, slots[s])] = slot;
      }
    return options;
  } catch (const UserError& error) {
    return fail("{}", error.what());
  }
}

}  // namespace brisk
