#pragma once

/// The scores behind probabilities. Models that come from Keras mostly end with a softmax or a
/// sigmoid; losses are computed of what went into it, as Keras does, because the logarithm of a
/// rounded probability says nothing near 0 and 1.

#include <optional>
#include <string_view>

#include "brisk/ir/builder.h"

namespace brisk {

/// What went into the op `activation` ("sigmoid", or "softmax" over the last axis) that made
/// `probabilities`; casts behind it are looked through. Nothing where another op made them.
std::optional<Value> logits_of(Value probabilities, std::string_view activation);

/// True when a model's first output is a softmax over its last axis, inside of a layer or not.
bool ends_in_softmax(const Graph& model);

}  // namespace brisk
