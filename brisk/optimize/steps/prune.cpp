#include "brisk/optimize/deploy.h"
#include "brisk/optimize/steps/steps.h"
#include "brisk/optimize/train_on.h"
#include "brisk/optimize/weight_values.h"

// Zeros are worth their room on disk when the package is gzipped, and nothing else. They are chosen
// while the model is trained on; where no accuracy is judged (untrained weights), once.

namespace brisk {
namespace {

constexpr double kSlowdown = 1.15;  ///< masks in the step, and choosing them
constexpr int64_t kChoices = 16;    ///< of masks, in the first six tenths of the steps

double prune_seconds(const OptimizeContext& context, const Candidate&) {
  return context.judges_accuracy() ? train_on_seconds(context, kSlowdown) : 0;
}

/// Those of small magnitude in the model as a whole: large layers bear more zeros than small ones.
PruningOptions pruning_options(SparsitySchedule schedule) {
  return {.schedule = schedule, .scope = PruningScope::model};
}

Candidate pruned_once(const Candidate& best, double sparsity) {
  Candidate pruned = best;
  const Pruning pruning(best.trained, pruning_options(constant_sparsity(sparsity, 0)));
  std::vector<size_t> entries;
  std::vector<Tensor> weights;
  for (size_t i = 0; i < best.trained.program.state.size(); ++i)
    if (pruning.prunes(best.trained.program.state[i].name)) {
      entries.push_back(i);
      weights.push_back(best.trained.weights[i]);
    }
  const std::vector<Tensor> masks = pruning.choose_masks(1, weights);
  for (size_t i = 0; i < entries.size(); ++i)
    pruned.trained.weights[entries[i]] = masked(weights[i], masks[i]);
  pruned.trained_package.clear();
  return pruned;
}

Result<Candidate> prune(OptimizeContext& context, const Candidate& best, const std::string& step,
                        double sparsity) {
  if (!best.deployment.gzipped) return fail("without gzip zeros take the room of other weights");
  if (share_of_zeros(best.trained) > sparsity - 0.01)
    return fail("{:.0f} % of the weights are zero already", 100 * share_of_zeros(best.trained));
  Result<Candidate> pruned =
      !context.judges_accuracy()
          ? Result<Candidate>(pruned_once(best, sparsity))
          : train_on(context, best,
                     {.step = step,
                      .learning_rate = 2e-3,
                      .slowdown = kSlowdown,
                      .configure = [&](TrainerOptions& trainer, const Model& model, int64_t steps) {
                        const int64_t last = std::max<int64_t>(1, steps * 6 / 10),
                                      frequency = std::max<int64_t>(1, last / kChoices);
                        trainer.pruning = std::make_shared<const Pruning>(
                            model, pruning_options(polynomial_decay(
                                       std::min(0.5, sparsity), sparsity, 0,
                                       last / frequency * frequency, {.frequency = frequency})));
                      }});
  if (pruned) deploy(context, *pruned);
  return pruned;
}

}  // namespace

DeploymentStep prune_80_step() {
  return {"pruned to 80 %", prune_seconds, [](OptimizeContext& context, const Candidate& best) {
            return prune(context, best, "pruned to 80 %", 0.8);
          }};
}

DeploymentStep prune_60_step() {
  return {"pruned to 60 %", prune_seconds, [](OptimizeContext& context, const Candidate& best) {
            return prune(context, best, "pruned to 60 %", 0.6);
          }};
}

}  // namespace brisk
