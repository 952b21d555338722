#include "brisk/nn/layers/masked.h"

#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {

Value as_mask(Value mask) {
  if (mask.dtype() == DType::boolean) return mask;
  return not_equal(mask, mask.builder->scalar(mask.dtype(), 0));
}

Value masked_scores(Value scores, Value mask) {
  // Half of the lowest f32: the sum with a score stays finite. Half floats have less room.
  const double low = scores.dtype() == DType::f16 ? -3e4 : -1.7e38;
  return select(as_mask(mask), scores, scores.builder->scalar(scores.dtype(), low));
}

}  // namespace brisk
