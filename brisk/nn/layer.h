#pragma once

/// Layers under Keras's names, arguments and defaults. A layer is a plain struct of its
/// configuration; a ModelBuilder applies it to values:
///
///     ModelBuilder model("small_cnn");
///     Value x = model.input("image", {28, 28, 1});
///     x = model(Conv2D{.filters = 32, .kernel_size = {3, 3}, .activation = "relu"}, x);
///     x = model(MaxPooling2D{}, x);
///     x = model(Flatten{}, x);
///     x = model(Dense{.units = 10}, x);
///     Model cnn = model.finish({{"logits", x}});
///
/// A struct is a layer when it has `kKind` (Keras's class name), `name`, a `fields(f)` visitor over
/// its configuration and `Value build(LayerContext&, std::span<const Value>) const`, which may
/// return a std::vector<Value> where a layer has several results. A layer that is called with more
/// than plain inputs (a mask, an initial state) has `call_fields(f)` over the arguments of its call
/// too.

#include <concepts>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/ir/builder.h"
#include "brisk/nn/model.h"

namespace brisk {

/// What a layer sees while it is built: the builder of its region, and how to get state.
class LayerContext {
 public:
  virtual ~LayerContext() = default;
  virtual Builder& builder() = 0;
  /// A state entry "<layer>/<name>"; `initializer` as in StateEntry.
  /// Asked for again under the same name, it is the same entry as it stands by then: so a layer
  /// that is called twice shares its weights. Refused when the type is another one.
  virtual Value state(std::string name, Type type, StateRole role, std::string initializer,
                      bool trainable = true) = 0;
  /// The new value of a state entry in training mode.
  virtual void update(Value state, Value new_value) = 0;

  Value parameter(std::string name, Type type, std::string initializer) {
    return state(std::move(name), std::move(type), StateRole::parameter, std::move(initializer));
  }
};

/// A part of a layer that has state of its own (the cell of a recurrent layer): its entries are
/// named
/// "<part>/<name>".
class LayerPart final : public LayerContext {
 public:
  LayerPart(LayerContext& whole, std::string part) : whole_(whole), part_(std::move(part)) {}
  Builder& builder() override { return whole_.builder(); }
  Value state(std::string name, Type type, StateRole role, std::string initializer,
              bool trainable) override {
    return whole_.state(part_ + "/" + name, std::move(type), role, std::move(initializer),
                        trainable);
  }
  void update(Value state, Value new_value) override { whole_.update(state, new_value); }

 private:
  LayerContext& whole_;
  std::string part_;
};

/// A layer of any kind.
class Layer {
 public:
  virtual ~Layer() = default;
  /// Keras's class name: "Conv2D".
  virtual std::string kind() const = 0;
  /// Given by the user; empty: made from the kind ("conv2d", "conv2d_1", ...), as Keras does.
  virtual std::string given_name() const = 0;
  /// Keras's configuration of the layer as JSON: what `layer_from_config` reads again.
  virtual std::string config() const = 0;
  /// False: its parameters are not trained.
  virtual bool trainable() const { return true; }
  /// Emits the layer's ops; `inputs` are values inside the layer's region.
  virtual std::vector<Value> build(LayerContext& context, std::span<const Value> inputs) const = 0;
};

template <typename L>
concept LayerStruct = requires(const L& layer, LayerContext& context,
                               std::span<const Value> inputs) {
  { L::kKind } -> std::convertible_to<std::string_view>;
  { layer.name } -> std::convertible_to<std::string>;
  requires std::same_as<decltype(layer.build(context, inputs)), Value> ||
      std::same_as<decltype(layer.build(context, inputs)), std::vector<Value>>;
};

/// Wraps a layer struct.
template <LayerStruct L>
std::unique_ptr<Layer> make_layer(L layer);

/// Applies `layer` under `name` inside `context` as a "call" node that carries its kind, name and
/// configuration; the state it asks for is named "<name>/...".
std::vector<Value> call_layer(LayerContext& context, const Layer& layer, const std::string& name,
                              std::span<const Value> inputs);

/// Builds a model layer by layer.
class ModelBuilder {
 public:
  explicit ModelBuilder(std::string name);
  ~ModelBuilder();

  /// A feature input of shape [batch, sizes...].
  Value input(std::string name, std::vector<int64_t> sizes, DType dtype = DType::f32);
  /// An input of any type; the first extent is as given.
  Value input(std::string name, Type type);

  template <LayerStruct L>
  Value operator()(const L& layer, Value input) {
    return apply(*make_layer(layer), std::span<const Value>(&input, 1))[0];
  }
  template <LayerStruct L>
  Value operator()(const L& layer, std::initializer_list<Value> inputs) {
    return apply(*make_layer(layer), std::span<const Value>(inputs.begin(), inputs.size()))[0];
  }
  /// All results of a layer.
  std::vector<Value> apply(const Layer& layer, std::span<const Value> inputs);
  /// For what builds many layers under names of its own (a Functional model).
  LayerContext& context();

  /// The model; the builder is empty afterwards. Weights are not initialised yet.
  Model finish(std::vector<Builder::Output> outputs);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace brisk

#include "brisk/nn/layer_holder.h"
