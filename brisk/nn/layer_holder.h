#pragma once

// The wrapper behind make_layer: configuration to JSON and back through the struct's fields().

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "brisk/nn/layer.h"
#include "brisk/nn/layer_config.h"

namespace brisk {

template <typename L>
concept HasCallFields = requires(L& layer, ConfigReader& reader) {
  layer.call_fields(reader);
};

template <LayerStruct L>
class LayerHolder final : public Layer {
 public:
  explicit LayerHolder(L layer, bool trainable = true)
      : layer_(std::move(layer)), trainable_(trainable) {}
  std::string kind() const override { return std::string(L::kKind); }
  std::string given_name() const override { return layer_.name; }
  bool trainable() const override { return trainable_; }
  std::string config() const override {
    std::vector<NamedConfig> fields, call;
    L copy = layer_;
    copy.fields([&](std::string_view name, auto& field) {
      fields.push_back({std::string(name), field});
    });
    if constexpr (HasCallFields<L>)
      copy.call_fields([&](std::string_view name, auto& field) {
        call.push_back({std::string(name), field});
      });
    return config_to_json(fields, call, trainable_);
  }
  std::vector<Value> build(LayerContext& context, std::span<const Value> inputs) const override {
    if constexpr (std::same_as<decltype(layer_.build(context, inputs)), Value>)
      return {layer_.build(context, inputs)};
    else
      return layer_.build(context, inputs);
  }

 private:
  L layer_;
  bool trainable_;
};

template <LayerStruct L>
std::unique_ptr<Layer> make_layer(L layer) {
  return std::make_unique<LayerHolder<L>>(std::move(layer));
}

/// The layer that `reader` describes. Keys that `L` does not know are refused by
/// ConfigReader::finish.
template <LayerStruct L>
std::unique_ptr<Layer> read_layer(ConfigReader& reader, std::vector<std::string>* notes) {
  L layer;
  bool trainable = true;
  reader("name", layer.name);
  reader("trainable", trainable);
  layer.fields(reader);
  ConfigReader call = reader.call();
  if constexpr (HasCallFields<L>) layer.call_fields(call);
  call.finish(notes);
  reader.finish(notes);
  return std::make_unique<LayerHolder<L>>(std::move(layer), trainable);
}

}  // namespace brisk
