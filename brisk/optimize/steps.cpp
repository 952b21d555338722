#include "brisk/optimize/steps/steps.h"

namespace brisk {

std::vector<TrainingStep> training_steps() {
  return {plain_training_step(), fused_training_step(), mixed_bfloat16_step(), accumulation_step(),
          larger_batch_step()};
}

std::vector<DeploymentStep> deployment_steps() {
  return {plain_serving_step(), fused_serving_step(), fold_step(),      half_channels_step(),
          bfloat16_step(),      int8_step(),          gzip_step(),      prune_80_step(),
          prune_60_step(),      cluster_16_step(),    cluster_32_step()};
}

}  // namespace brisk
