#pragma once

/// A model as it is deployed: what its weights alone decide is computed, once.

#include "brisk/nn/model.h"

namespace brisk {

/// A model's inference as it is deployed, and how its weights come of the model's.
struct FoldedProgram {
  Program program;  ///< its state: an entry for each folded value; not trained
  Graph weights;    ///< (the model's state...) -> the folded values, in order
};

/// What fold_weights makes of any weights of `model`; equal programs give equal ones.
FoldedProgram fold_program(const Model& model);

/// `model` for inference: layers inlined, batch normalizations folded into the convolutions before
/// them, bias, residual and activation joined to their products (brisk/ops/fused/fused.h), and each
/// value that depends on weights alone in the state under its own name ("conv/kernel"). It computes
/// the same but for rounding and can be served or quantized, not trained. It must have weights.
Model fold_weights(const Model& model);

}  // namespace brisk
