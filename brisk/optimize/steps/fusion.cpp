#include "brisk/optimize/deploy.h"
#include "brisk/optimize/plain_passes.h"
#include "brisk/optimize/steps/steps.h"

// Both tables begin with the graph as it was written, a kernel an op; fusion is what the passes of
// the pipelines bring together.

namespace brisk {

TrainingStep plain_training_step() {
  return {"f32, a kernel an op", [](const Recipe& best, const Backend&) -> Result<Recipe> {
            Recipe plain = best;
            plain.precision = Precision::float32;
            plain.accumulate = 1;
            plain.disabled_passes = optional_passes();
            return plain;
          }};
}

TrainingStep fused_training_step() {
  return {"fusion", [](const Recipe& best, const Backend&) -> Result<Recipe> {
            Recipe fused = best;
            fused.disabled_passes.clear();
            return fused;
          }};
}

DeploymentStep plain_serving_step() {
  return {"f32, a kernel an op",
          [](OptimizeContext& context, const Candidate& best) -> Result<Candidate> {
            Candidate plain = best;
            plain.deployment = {.disabled_passes = optional_passes()};
            deploy(context, plain);
            return plain;
          }};
}

DeploymentStep fused_serving_step() {
  return {"fusion", [](OptimizeContext& context, const Candidate& best) -> Result<Candidate> {
            Candidate fused = best;
            fused.deployment.disabled_passes.clear();
            fused.required = true;
            deploy(context, fused);
            return fused;
          }};
}

}  // namespace brisk
