#include "brisk/optimize/steps/steps.h"
#include "brisk/optimize/train_on.h"

// Channels that leave cost accuracy until the rest is trained on, and some of it for good. So
// nothing is taken out where no accuracy is judged: it would only look faster. Where labels alone
// win too little back, the model as it came may teach the smaller one.

namespace brisk {
namespace {

constexpr const char* kHalf = "half of the channels";
constexpr const char* kTaughtHalf = "half of the channels with a teacher";
constexpr double kTaughtHalfSlowdown = 1.4;  ///< the teacher's forward pass

TrainOn halving(const char* step) {
  return {.step = step,
          .learning_rate = 2e-3,
          .prune_channels = StructuredPruningOptions{.sparsity = 0.5},
          .keeps_values = true};
}

double halving_seconds(const OptimizeContext& context, const Candidate&) {
  return train_on_seconds(context, 1);
}

double taught_halving_seconds(const OptimizeContext& context, const Candidate&) {
  return train_on_seconds(context, kTaughtHalfSlowdown);
}

Status can_lose_channels(const OptimizeContext& context, const Candidate& best) {
  if (!context.judges_accuracy()) return fail("{}", kCostsAccuracy);
  try {
    prune_channels(best.trained, *halving(kHalf).prune_channels);
  } catch (const UserError& error) {
    return fail("{}", error.what());
  }
  return Success{};
}

Status needs_a_teacher_for_halves(const OptimizeContext& context, const Candidate& best) {
  const StepRow* half = context.earlier(kHalf);
  if (half == nullptr || !half->over_budget)
    return fail("a teacher is for channels whose loss labels do not win back");
  return can_lose_channels(context, best);
}

Result<Candidate> halved(OptimizeContext& context, const Candidate& best) {
  return train_on(context, best, halving(kHalf));
}

Result<Candidate> halved_and_taught(OptimizeContext& context, const Candidate& best) {
  TrainOn how = halving(kTaughtHalf);
  how.taught = true;
  how.slowdown = kTaughtHalfSlowdown;
  return train_on(context, best, how);
}

}  // namespace

DeploymentStep half_channels_step() {
  return {kHalf, halved, halving_seconds, can_lose_channels};
}

DeploymentStep taught_halves_step() {
  return {kTaughtHalf, halved_and_taught, taught_halving_seconds, needs_a_teacher_for_halves};
}

}  // namespace brisk
