#pragma once

/// A model that is served in bf16.

#include "brisk/nn/model.h"

namespace brisk {

/// `model` folded (brisk/compress/fold_weights.h), its products and what lies between them in bf16:
/// weights are rounded once and stored as bf16, outputs stay f32.
Model in_bfloat16(const Model& model);

}  // namespace brisk
