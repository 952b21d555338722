#pragma once

/// Learning-rate schedules: functions of the optimizer step, from 0 on.

#include <cstdint>
#include <functional>

namespace brisk {

using Schedule = std::function<double(int64_t step)>;

Schedule constant_schedule(double learning_rate);
struct CosineDecayOptions {
  double alpha = 0;           ///< the floor as a fraction of the target
  double warmup_target = -1;  ///< reached linearly over warmup_steps; negative: no warm-up
  int64_t warmup_steps = 0;
};
/// Keras's CosineDecay.
Schedule cosine_decay(double initial_learning_rate, int64_t decay_steps, CosineDecayOptions options = {});
struct OneCycleOptions {
  double pct_start = 0.3, div_factor = 25, final_div_factor = 1e4;
};
/// PyTorch's OneCycleLR with cosine annealing (Smith, "Super-Convergence", 2018).
Schedule one_cycle(double max_learning_rate, int64_t total_steps, OneCycleOptions options = {});

}  // namespace brisk
