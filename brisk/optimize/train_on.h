#pragma once

/// A model trained on for a while, as steps that change weights do it.

#include <functional>

#include "brisk/optimize/context.h"

namespace brisk {

struct TrainOn {
  std::string step;             ///< its name: where checkpoints go
  double learning_rate = 1e-3;  ///< of adam, by cosine decay to 0
  double slowdown = 1;          ///< how much longer a step takes than a plain one
  std::optional<StructuredPruningOptions> prune_channels = {};  ///< what leaves before
  /// Sets what the training does besides, knowing its number of steps; may be empty.
  std::function<void(TrainerOptions& trainer, const Model& model, int64_t steps)> configure = {};
};

/// Seconds that `options.epochs` take, or as much of them as the budget has room for.
double train_on_seconds(const OptimizeContext& context, double slowdown);

/// `best.trained` trained on for `options.epochs`, or for less where the time budget has no room
/// (said in the note); checkpoints in the step's directory let a killed run go on. Fails where less
/// than a fifth of an epoch would fit. Throws Stopped.
Result<Candidate> train_on(OptimizeContext& context, const Candidate& best, const TrainOn& how);

}  // namespace brisk
