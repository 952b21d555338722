#include "brisk/train/step_target.h"

namespace brisk {

LoweringTarget step_target(const Backend& backend, Precision precision) {
  return precision == Precision::tf32 ? backend.tf32_target().value() : backend.target();
}

}  // namespace brisk
