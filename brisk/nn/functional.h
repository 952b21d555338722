#pragma once

/// A Functional or Sequential model: a layer made of layers, called by its configuration's graph.

#include <memory>
#include <string>
#include <vector>

#include "brisk/nn/functional_config.h"
#include "brisk/nn/layer.h"

namespace brisk {

class FunctionalLayer final : public Layer {
 public:
  /// `notes`: what was understood but left out, in words; may be null. Refused (UserError) where a
  /// layer or an option is not known.
  FunctionalLayer(FunctionalConfig config, std::vector<std::string>* notes);

  std::string kind() const override { return "Functional"; }
  std::string given_name() const override { return config_.name; }
  bool trainable() const override { return config_.trainable; }
  /// The configuration with each layer's own as brisk writes it.
  std::string config() const override;
  std::vector<Value> build(LayerContext& context, std::span<const Value> inputs) const override;

  const FunctionalConfig& graph() const { return config_; }

 private:
  /// What one call of a layer is: the layer as configured for this call, and the tensors it takes.
  struct Step {
    size_t layer = 0, call = 0;
    std::unique_ptr<Layer> made;
    std::vector<TensorReference> inputs;
  };
  FunctionalConfig config_;
  std::vector<Step> steps_;  ///< in an order in which inputs exist before they are read
};

/// A layer that brisk has no build for: of the model, or of a model or wrapper inside it.
struct UnknownLayer {
  std::string class_name, layer, reason;
};
std::vector<UnknownLayer> unknown_layers(const FunctionalConfig& config);

/// The model of a configuration: inputs are its InputLayers, outputs are named by the dictionary's
/// keys or by the layers they come from. Axes without a size are named dimensions: "batch" for the
/// first, "<input>_<axis>" for others, unless `sizes` has one of that name. Weights are not
/// initialised.
Model build_functional(const FunctionalConfig& config, const Binding& sizes,
                       std::vector<std::string>* notes);

}  // namespace brisk
