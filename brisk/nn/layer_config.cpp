#include "brisk/nn/layer_config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "brisk/base/json.h"

namespace brisk {
namespace {

using OrderedJson = nlohmann::ordered_json;

struct ToJson {
  OrderedJson operator()(const std::string& text) const {
    if (text.empty()) return nullptr;
    if (text.starts_with('{')) return OrderedJson::parse(text);
    return text;
  }
  OrderedJson operator()(const ConfigObject& object) const {
    return object.empty() ? OrderedJson(nullptr) : OrderedJson::parse(object.json);
  }
  template <typename T>
  OrderedJson operator()(const std::optional<T>& value) const {
    return value ? OrderedJson(*value) : OrderedJson(nullptr);
  }
  template <typename T>
  OrderedJson operator()(const std::vector<T>& values) const {
    return values.empty() ? OrderedJson(nullptr) : OrderedJson(values);
  }
  OrderedJson operator()(const std::vector<std::optional<int64_t>>& values) const {
    if (values.empty()) return nullptr;
    OrderedJson json = OrderedJson::array();
    for (const auto& value : values) json.push_back((*this)(value));
    return json;
  }
  template <typename T>
  OrderedJson operator()(const T& value) const {
    return value;
  }
};

OrderedJson to_json(std::span<const NamedConfig> fields) {
  OrderedJson json = OrderedJson::object();
  for (const NamedConfig& field : fields) {
    OrderedJson value = std::visit(ToJson{}, field.value);
    if (field.name.empty())
      json = value.is_null() ? OrderedJson::object() : value;
    else
      json[field.name] = std::move(value);
  }
  return json;
}

/// The text that stands for a name or an object that says what to make: "relu" for
/// {"class_name": "function", "config": "relu"}; "GlorotUniform" for an initializer without
/// arguments; else the object's class name and what its configuration gives.
std::string name_of_object(const Json& json) {
  const auto config = json.find("config");
  if (config != json.end() && config->is_string()) return config->get<std::string>();
  const auto class_name = json.find("class_name");
  if (class_name == json.end() || !class_name->is_string()) return json.dump();
  OrderedJson given = OrderedJson::object();
  if (config != json.end() && config->is_object())
    for (const auto& [key, value] : config->items())
      if (!value.is_null() && key != "seed" && key != "name" && key != "dtype") given[key] = value;
  if (given.empty()) return class_name->get<std::string>();
  OrderedJson object = {{"module", json.value("module", "keras.initializers")},
                        {"class_name", *class_name},
                        {"config", given},
                        {"registered_name", nullptr}};
  return object.dump();
}

/// Whether what a configuration says beyond the known fields changes no result.
bool is_harmless(std::string_view key, const Json& value) {
  if (value.is_null() || value == false || (value.is_structured() && value.empty())) return true;
  static constexpr std::string_view kNames[] = {
      "name",           "trainable",    "dtype",      "seed",           "unroll",
      "implementation", "synchronized", "autocast",   "build_config",   "batch_input_shape",
      "batch_shape",    "call",         "lora_alpha", "auto_vectorize", "renorm_momentum"};
  return std::ranges::find(kNames, key) != std::end(kNames);
}

bool is_for_training(std::string_view key) {
  return key.ends_with("_regularizer") || key.ends_with("_constraint");
}

}  // namespace

std::string config_to_json(std::span<const NamedConfig> fields, std::span<const NamedConfig> call,
                           bool trainable) {
  OrderedJson json = to_json(fields);
  if (!trainable) json["trainable"] = false;
  if (!call.empty()) json["call"] = to_json(call);
  return json.dump();
}

struct ConfigReader::State {
  Json config;
  std::string what;
  std::set<std::string, std::less<>> read;

  [[noreturn]] void refuse_type(std::string_view name, const Json& json,
                                std::string_view wanted) const {
    refuse("{}: '{}' must be {}, but is {}", what, name, wanted, json.dump().substr(0, 200));
  }

  bool boolean(std::string_view name, const Json& json) const {
    if (!json.is_boolean()) refuse_type(name, json, "true or false");
    return json.get<bool>();
  }
  double number(std::string_view name, const Json& json) const {
    if (json.is_object() && json.contains("config")) {  // a NumPy value
      const Json& config = json["config"];
      if (config.is_object() && config.contains("value")) return number(name, config["value"]);
    }
    if (json.is_array() && json.size() == 1) return number(name, json[0]);
    if (!json.is_number()) refuse_type(name, json, "a number");
    return json.get<double>();
  }
  int64_t integer(std::string_view name, const Json& json) const {
    if (json.is_array() && json.size() == 1) return integer(name, json[0]);
    if (json.is_number_float() && json.get<double>() == std::floor(json.get<double>()) &&
        std::fabs(json.get<double>()) < 1e15)
      return static_cast<int64_t>(json.get<double>());
    if (!json.is_number_integer()) refuse_type(name, json, "an integer");
    return json.get<int64_t>();
  }
  std::string text(std::string_view name, const Json& json) const {
    if (json.is_string()) return json.get<std::string>();
    if (json.is_object()) return name_of_object(json);
    refuse_type(name, json, "a text");
  }
  void flatten(std::string_view name, const Json& json, std::vector<double>& values) const {
    if (json.is_object() && json.contains("config") && json["config"].is_object() &&
        json["config"].contains("value"))
      return flatten(name, json["config"]["value"], values);
    if (!json.is_array()) return values.push_back(number(name, json));
    for (const Json& element : json) flatten(name, element, values);
  }
  std::vector<int64_t> integers(std::string_view name, const Json& json) const {
    std::vector<int64_t> values;
    if (!json.is_array()) return {integer(name, json)};
    for (const Json& element : json) values.push_back(integer(name, element));
    return values;
  }

  void store(std::string_view name, const Json& json, bool& value) const {
    value = boolean(name, json);
  }
  void store(std::string_view name, const Json& json, int64_t& value) const {
    value = integer(name, json);
  }
  void store(std::string_view name, const Json& json, double& value) const {
    value = number(name, json);
  }
  void store(std::string_view name, const Json& json, std::string& value) const {
    value = json.is_null() ? "" : text(name, json);
  }
  void store(std::string_view name, const Json& json, std::vector<int64_t>& value) const {
    value = json.is_null() ? std::vector<int64_t>() : integers(name, json);
  }
  void store(std::string_view name, const Json& json, std::vector<double>& value) const {
    value.clear();
    if (!json.is_null()) flatten(name, json, value);
  }
  void store(std::string_view name, const Json& json, std::vector<std::string>& value) const {
    value.clear();
    if (json.is_null()) return;
    if (!json.is_array()) refuse_type(name, json, "a list of texts");
    for (const Json& element : json) value.push_back(text(name, element));
  }
  void store(std::string_view name, const Json& json,
             std::vector<std::vector<int64_t>>& value) const {
    value.clear();
    if (json.is_null()) return;
    if (!json.is_array()) return value.push_back({integer(name, json)});
    for (const Json& element : json) value.push_back(integers(name, element));
  }
  void store(std::string_view name, const Json& json,
             std::vector<std::optional<int64_t>>& value) const {
    value.clear();
    if (json.is_null()) return;
    if (!json.is_array()) return value.push_back(integer(name, json));
    for (const Json& element : json)
      value.push_back(element.is_null() ? std::nullopt : std::optional(integer(name, element)));
  }
  template <typename T>
  void store(std::string_view name, const Json& json, std::optional<T>& value) const {
    value.reset();
    if (json.is_null()) return;
    value.emplace();
    store(name, json, *value);
  }
  void store(std::string_view, const Json& json, ConfigObject& value) const {
    value.json = json.is_null() ? "" : json.dump();
  }
};

ConfigReader::ConfigReader(std::string_view config, std::string what)
    : state_(std::make_unique<State>()) {
  state_->what = std::move(what);
  state_->config = parse_json(config, state_->what).value();
  require(state_->config.is_object(), "{}: its configuration must be an object, but is {}",
          state_->what, config.substr(0, 200));
}
ConfigReader::~ConfigReader() = default;

void ConfigReader::read(std::string_view name, ConfigValue& value) {
  invariant(state_->read.emplace(name).second, "the field '{}' is read twice", name);
  if (name.empty()) {
    for (const auto& [key, unused] : state_->config.items()) state_->read.insert(key);
    value = ConfigObject{state_->config.dump()};
    return;
  }
  const auto found = state_->config.find(name);
  if (found == state_->config.end()) return;
  const bool has_default = std::visit(
      [](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        return std::same_as<T, bool> || std::same_as<T, int64_t> || std::same_as<T, double>;
      },
      value);
  if (found->is_null() && has_default) return;
  std::visit([&](auto& field) { state_->store(name, *found, field); }, value);
}

ConfigReader ConfigReader::call() const {
  const auto found = state_->config.find("call");
  return ConfigReader(found == state_->config.end() ? "{}" : found->dump(), state_->what);
}

void ConfigReader::finish(std::vector<std::string>* notes) const {
  for (const auto& [key, value] : state_->config.items()) {
    if (state_->read.contains(key) || is_harmless(key, value)) continue;
    if (is_for_training(key)) {
      if (notes != nullptr)
        notes->push_back(fmt::format("{}: its {} is left out", state_->what, key));
      continue;
    }
    refuse("{}: brisk knows no option '{}' (here {})", state_->what, key,
           value.dump().substr(0, 200));
  }
}

}  // namespace brisk
