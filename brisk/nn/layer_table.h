#pragma once

/// Layers by Keras's class names.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/nn/functional_config.h"
#include "brisk/nn/layer.h"

namespace brisk {

/// Whether brisk has a layer of that class; models of layers count.
bool has_layer_class(std::string_view class_name);
/// The layer of a class and its configuration as JSON; refused with the nearest known class, or
/// with the option that is not known. `notes` takes what was left out, in words; may be null.
std::unique_ptr<Layer> layer_from_config(std::string_view class_name, std::string_view config,
                                         std::vector<std::string>* notes = nullptr);
/// The same from an object {"class_name": ..., "config": {...}}: the layer inside a wrapper.
std::unique_ptr<Layer> layer_from_object(std::string_view object,
                                         std::vector<std::string>* notes = nullptr);

/// One call of a layer: the layer as configured, with what this call passes beside its inputs under
/// the key "call"; `inputs` takes the tensors in the order in which `build` wants them.
std::unique_ptr<Layer> layer_from_call(const LayerEntry& entry, const LayerCall& call,
                                       std::vector<TensorReference>& inputs,
                                       std::vector<std::string>* notes);

/// "float32" and so on; refused when brisk has no such type.
DType dtype_from_keras(std::string_view name);
std::string_view keras_dtype(DType type);

}  // namespace brisk
