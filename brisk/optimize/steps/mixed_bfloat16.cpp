#include "brisk/optimize/steps/steps.h"

namespace brisk {

TrainingStep mixed_bfloat16_step() {
  return {"bf16 (mixed precision)",
          [](const Recipe& best, const Backend& backend) -> Result<Recipe> {
            if (best.precision == Precision::float64) return fail("the recipe trains in float64");
            if (const Status fast = backend.supports_fast(DType::bf16); !fast)
              return fast.failure();
            Recipe mixed = best;
            mixed.precision = Precision::mixed_bfloat16;
            return mixed;
          }};
}

}  // namespace brisk
