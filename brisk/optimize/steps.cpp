#include "brisk/optimize/steps/steps.h"

// Fewer channels come first: a dense model bears them better than one that lost weights already,
// and what comes later is chosen for the smaller one. For size, files are gzipped from the
// beginning, so that each later step is judged by the bytes that it leaves in the end; for speed,
// integers come before. What trains for accuracy alone comes behind what cost it.

namespace brisk {

std::vector<TrainingStep> training_steps() {
  return {plain_training_step(), fused_training_step(), mixed_bfloat16_step(), accumulation_step(),
          larger_batch_step()};
}

std::vector<DeploymentStep> deployment_steps(OptimizeTarget target) {
  std::vector<DeploymentStep> steps = {plain_serving_step(), fused_serving_step(), fold_step()};
  if (target == OptimizeTarget::size) steps.push_back(gzip_step());
  for (const auto step : {half_channels_step, taught_halves_step, bfloat16_step, dynamic_int8_step,
                          weight_only_int8_step, int8_step})
    steps.push_back(step());
  if (target != OptimizeTarget::size) steps.push_back(gzip_step());
  for (const auto step : {prune_80_step, prune_60_step, cluster_16_step, cluster_32_step,
                          distill_step, trained_int8_step})
    steps.push_back(step());
  return steps;
}

}  // namespace brisk
