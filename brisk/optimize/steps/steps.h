#pragma once

/// The steps that there are: what brisk/optimize/steps.cpp puts into order.

#include "brisk/optimize/step.h"

namespace brisk {

// Of training.
TrainingStep plain_training_step();  ///< f32, a kernel an op
TrainingStep fused_training_step();  ///< all passes
TrainingStep mixed_bfloat16_step();
TrainingStep accumulation_step();  ///< the batch in two parts
TrainingStep larger_batch_step();  ///< twice the batch

// Of deployment.
DeploymentStep plain_serving_step();  ///< as trained, f32, a kernel an op
DeploymentStep fused_serving_step();  ///< all passes
DeploymentStep fold_step();
DeploymentStep half_channels_step();
DeploymentStep taught_halves_step();  ///< where labels alone won too little back
DeploymentStep bfloat16_step();
DeploymentStep dynamic_int8_step();
DeploymentStep weight_only_int8_step();
DeploymentStep int8_step();
DeploymentStep gzip_step();
DeploymentStep prune_80_step();
DeploymentStep prune_60_step();  ///< where 80 % were too many
DeploymentStep cluster_16_step();
DeploymentStep cluster_32_step();  ///< where 16 were too few
DeploymentStep distill_step();
DeploymentStep trained_int8_step();

}  // namespace brisk
