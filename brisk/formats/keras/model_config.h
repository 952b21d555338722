#pragma once

/// The Keras configuration of a model, from the layers that its graph keeps.

#include "brisk/base/json.h"
#include "brisk/nn/functional_config.h"
#include "brisk/nn/model.h"

namespace brisk {

/// Every "call" node of the graph as a layer's call. Refused (UserError) where the graph has ops
/// outside of layers, with their names.
FunctionalConfig functional_config_of(const Model& model);

/// The object of config.json, with keys that every Keras from 3.3 on knows.
nlohmann::ordered_json keras_config(const FunctionalConfig& config);

}  // namespace brisk
