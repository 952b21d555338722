#include "brisk/optimize/steps/steps.h"
#include "brisk/optimize/train_on.h"
#include "brisk/optimize/weight_values.h"

// Zeros are worth their room on disk when the package is gzipped, and nothing else. They are chosen
// while the model is trained on; of untrained weights, once.

namespace brisk {
namespace {

constexpr double kMaskSlowdown = 1.15;  ///< masks in the step, and choosing them
constexpr int64_t kChoices = 16;        ///< of masks, in the first six tenths of the steps

double prune_seconds(const OptimizeContext& context, const Candidate&) {
  return train_on_seconds(context, kMaskSlowdown);
}

/// Those of small magnitude in the model as a whole: large layers bear more zeros than small ones.
PruningOptions pruning_options(SparsitySchedule schedule) {
  return {.schedule = schedule, .scope = PruningScope::model};
}

Model pruned_once(Model model, double sparsity) {
  const Pruning pruning(model, pruning_options(constant_sparsity(sparsity, 0)));
  std::vector<size_t> entries;
  std::vector<Tensor> weights;
  for (size_t i = 0; i < model.program.state.size(); ++i)
    if (pruning.prunes(model.program.state[i].name)) {
      entries.push_back(i);
      weights.push_back(model.weights[i]);
    }
  const std::vector<Tensor> masks = pruning.choose_masks(1, weights);
  for (size_t i = 0; i < entries.size(); ++i)
    model.weights[entries[i]] = masked(weights[i], masks[i]);
  return model;
}

Status can_be_pruned(const OptimizeContext& context, const Candidate& best, double sparsity) {
  if (!best.deployment.gzipped) return fail("without gzip zeros take the room of other weights");
  const double zeros = share_of_zeros(best.trained);
  if (zeros > sparsity - 0.01) return fail("{:.0f} % of the weights are zero already", 100 * zeros);
  return can_change_weights(context);
}

Result<Candidate> prune(OptimizeContext& context, const Candidate& best, const std::string& step,
                        double sparsity) {
  const auto rise = [&](TrainerOptions& trainer, const Model& model, int64_t steps) {
    const int64_t last = std::max<int64_t>(1, steps * 6 / 10),
                  frequency = std::max<int64_t>(1, last / kChoices);
    trainer.pruning = std::make_shared<const Pruning>(
        model,
        pruning_options(polynomial_decay(std::min(0.5, sparsity), sparsity, 0,
                                         last / frequency * frequency, {.frequency = frequency})));
  };
  return train_on_or_once(
      context, best,
      {.step = step, .learning_rate = 2e-3, .slowdown = kMaskSlowdown, .configure = rise},
      [&](const Model& model) { return pruned_once(model, sparsity); });
}

}  // namespace

DeploymentStep prune_80_step() {
  return {"pruned to 80 %",
          [](OptimizeContext& context, const Candidate& best) {
            return prune(context, best, "pruned to 80 %", 0.8);
          },
          prune_seconds,
          [](const OptimizeContext& context, const Candidate& best) {
            return can_be_pruned(context, best, 0.8);
          }};
}

DeploymentStep prune_60_step() {
  return {"pruned to 60 %",
          [](OptimizeContext& context, const Candidate& best) {
            return prune(context, best, "pruned to 60 %", 0.6);
          },
          prune_seconds,
          [](const OptimizeContext& context, const Candidate& best) {
            return can_be_pruned(context, best, 0.6);
          }};
}

}  // namespace brisk
