#pragma once

/// Layers under Keras's names, arguments and defaults. A layer is a plain configuration; a
/// ModelBuilder applies it to values:
///
///     ModelBuilder model("small_cnn");
///     Value x = model.input("image", {28, 28, 1});
///     x = model(Conv2D{.filters = 32, .kernel_size = {3, 3}, .activation = "relu"}, x);
///     x = model(MaxPooling2D{}, x);
///     x = model(Flatten{}, x);
///     x = model(Dense{.units = 10}, x);
///     Model cnn = model.finish({{"logits", x}});

#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "brisk/ir/builder.h"
#include "brisk/nn/model.h"

namespace brisk {

class LayerContext;

class Layer {
 public:
  virtual ~Layer() = default;
  /// Keras's class name: "Conv2D".
  virtual std::string kind() const = 0;
  /// Given by the user; empty: made from the kind ("conv2d", "conv2d_1", ...), as Keras does.
  virtual std::string given_name() const = 0;
  /// Keras's configuration of the layer as JSON: what `layer_from_config` reads again.
  virtual std::string config() const = 0;
  /// Emits the layer's ops; `inputs` are values inside the layer's region.
  virtual Value build(LayerContext& context, std::span<const Value> inputs) const = 0;
};

/// What a layer sees while it is built: the builder of its region, and how to get state.
class LayerContext {
 public:
  virtual ~LayerContext() = default;
  virtual Builder& builder() = 0;
  /// A state entry "<layer>/<name>"; `initializer` as in StateEntry.
  virtual Value state(std::string name, Type type, StateRole role, std::string initializer,
                      bool trainable = true) = 0;
  /// The new value of a state entry in training mode.
  virtual void update(Value state, Value new_value) = 0;
};

/// Builds a model layer by layer.
class ModelBuilder {
 public:
  explicit ModelBuilder(std::string name);
  ~ModelBuilder();

  /// A feature input of shape [batch, sizes...].
  Value input(std::string name, std::vector<int64_t> sizes, DType dtype = DType::f32);
  Value operator()(const Layer& layer, Value input);
  Value operator()(const Layer& layer, std::initializer_list<Value> inputs);
  Value apply(const Layer& layer, std::span<const Value> inputs);
  /// The model; the builder is empty afterwards. Weights are not initialised yet.
  Model finish(std::vector<Builder::Output> outputs);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The layer that `config` (JSON, Keras's form) describes; refused with the nearest known kind.
std::unique_ptr<Layer> layer_from_config(const std::string& kind, const std::string& config);

}  // namespace brisk
