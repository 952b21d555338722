#pragma once

// The wrapper behind make_layer: configuration to JSON and back through the struct's fields().

#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "brisk/nn/layer.h"

namespace brisk {

/// The value of one field of a layer's configuration.
using ConfigValue = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>>;
struct NamedConfig {
  std::string name;
  ConfigValue value;
};
/// The fields as a JSON object, in order; empty strings become null (Keras's None).
std::string config_to_json(std::span<const NamedConfig> fields);

template <LayerStruct L>
class LayerHolder final : public Layer {
 public:
  explicit LayerHolder(L layer) : layer_(std::move(layer)) {}
  std::string kind() const override { return std::string(L::kKind); }
  std::string given_name() const override { return layer_.name; }
  std::string config() const override {
    std::vector<NamedConfig> fields;
    L copy = layer_;
    copy.fields([&](std::string_view name, auto& field) { fields.push_back({std::string(name), field}); });
    return config_to_json(fields);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const override {
    return layer_.build(context, inputs);
  }

 private:
  L layer_;
};

template <LayerStruct L>
std::unique_ptr<Layer> make_layer(L layer) {
  return std::make_unique<LayerHolder<L>>(std::move(layer));
}

}  // namespace brisk
