#include "brisk/train/step_target.h"

namespace brisk {

LoweringTarget step_target(const Backend& backend, Precision precision, bool deterministic) {
  LoweringTarget target =
      precision == Precision::tf32 ? backend.tf32_target().value() : backend.target();
  if (deterministic)
    for (const DType type : target.varying_batch_norm_parts) target.batch_norm_parts.erase(type);
  return target;
}

}  // namespace brisk
