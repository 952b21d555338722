#pragma once

/// Masks: bool tensors that say which places count.

#include "brisk/ir/builder.h"

namespace brisk {

/// `scores` where `mask` (broadcast to them; bool, or numbers of which 0 is false) holds, else the
/// lowest number, so that a softmax gives them nothing.
Value masked_scores(Value scores, Value mask);
/// `mask` as bool.
Value as_mask(Value mask);

}  // namespace brisk
