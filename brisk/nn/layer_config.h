#pragma once

/// Keras's configuration of a layer, read from JSON and written to it through the `fields()`
/// visitor of the layer's struct.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace brisk {

/// A field that is itself a configuration (the layer inside a wrapper), as JSON; empty: None. Under
/// the name "" it is the whole configuration of its layer.
struct ConfigObject {
  std::string json;
  bool empty() const { return json.empty(); }
};

/// The value of one field of a layer's configuration.
using ConfigValue =
    std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
                 std::vector<std::string>, std::vector<std::vector<int64_t>>,
                 std::vector<std::optional<int64_t>>, std::optional<bool>, std::optional<int64_t>,
                 std::optional<double>, ConfigObject>;
struct NamedConfig {
  std::string name;
  ConfigValue value;
};
/// The fields as a JSON object, in order; empty strings and lists become null (Keras's None),
/// texts that are JSON objects (an initializer with arguments) become those objects. `call`, the
/// arguments of the layer's call, stand under the key "call" when there are any.
std::string config_to_json(std::span<const NamedConfig> fields, std::span<const NamedConfig> call,
                           bool trainable);

/// Reads the fields of one configuration object, each at most once. What Keras writes in several
/// ways is understood in all of them: a number for a list of one, a function object for its name.
class ConfigReader {
 public:
  /// `config`: a JSON object; `what` names the layer in messages. Refused (UserError) when it is
  /// none.
  ConfigReader(std::string_view config, std::string what);
  ~ConfigReader();

  /// Stores the field in `value` where the configuration has it; refused when it is of another
  /// type.
  void read(std::string_view name, ConfigValue& value);
  template <typename T>
  void operator()(std::string_view name, T& field) {
    ConfigValue value = field;
    read(name, value);
    field = std::get<T>(value);
  }
  /// A reader of the object under "call"; of an empty one where there is none.
  ConfigReader call() const;
  /// Refuses what was not read, unless it changes no result: None, False, names, seeds, what only
  /// training knows (regularizers, constraints: these are added to `notes`).
  void finish(std::vector<std::string>* notes) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace brisk
