#include "brisk/optimize/bfloat16_model.h"

#include "brisk/compress/fold_weights.h"
#include "brisk/passes/mixed_precision.h"

namespace brisk {

// Folding once takes batch norms into the filters in f32; folding again, after the casts are there,
// makes the rounded weights the state.
Model in_bfloat16(const Model& model) {
  Model folded = fold_weights(model);
  folded.program = mixed_precision(std::move(folded.program), DType::bf16);
  return fold_weights(folded);
}

}  // namespace brisk
