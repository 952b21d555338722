#pragma once

/// Activations by Keras's names.

#include <string_view>

#include "brisk/ir/builder.h"

namespace brisk {

/// "" and "linear" are the identity; "softmax" works along the last axis. Refused with the nearest
/// known name.
Value activation(std::string_view name, Value x);

}  // namespace brisk
