#pragma once

/// A function of keras.ops as a layer.

#include <memory>

#include "brisk/nn/functional_config.h"
#include "brisk/nn/layer.h"

namespace brisk {

bool has_operation(std::string_view class_name);
/// The module of Keras that has the function, "keras.src.ops.nn"; empty where brisk has none of it.
std::string_view operation_module(std::string_view class_name);
/// Refused with the nearest known function.
std::unique_ptr<Layer> operation_layer(const LayerEntry& entry, const LayerCall& call);
/// From what config() of such a layer gave, and its kind; for writers.
bool is_operation_kind(std::string_view kind);

}  // namespace brisk
