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
  bool keeps_values = false;  ///< zeros stay zeros, and what shares few values goes on to
  bool taught = false;        ///< by the model as it came, as much as by labels
  bool rounds = false;        ///< with the roundings of int8, which is deployed then
  /// Sets what the training does besides, knowing its number of steps; may be empty.
  std::function<void(TrainerOptions& trainer, const Model& model, int64_t steps)> configure = {};
};

/// Seconds that `options.epochs` take, or as much of them as the budget has room for; 0 where no
/// accuracy is judged: nothing is trained then.
double train_on_seconds(const OptimizeContext& context, double slowdown);

/// `best.trained` trained on for `options.epochs`, or for less where the time budget has no room
/// (said in the note), and deployed; checkpoints in the step's directory let a killed run go on.
/// Fails where less than a fifth of an epoch would fit. Throws Stopped.
Result<Candidate> train_on(OptimizeContext& context, const Candidate& best, const TrainOn& how);

/// The same where accuracy is judged; else, of untrained weights, whose size and speed are all that
/// is asked, what `once` makes of them without training.
Result<Candidate> train_on_or_once(OptimizeContext& context, const Candidate& best,
                                   const TrainOn& how,
                                   const std::function<Model(const Model&)>& once);

/// Why weights that mean something are left alone where no accuracy is judged: a model with others
/// would only look better.
inline constexpr std::string_view kCostsAccuracy = "no accuracy is judged, and this costs some";
/// Succeeds where accuracy is judged, and where weights are untrained.
Status can_change_weights(const OptimizeContext& context);

}  // namespace brisk
