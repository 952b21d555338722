#include "brisk/optimize/deploy.h"
#include "brisk/optimize/steps/steps.h"
#include "brisk/optimize/train_on.h"

// Channels that leave cost accuracy until the rest is trained on, and some of it for good. So
// nothing is taken out where no accuracy is judged: it would only look faster.

namespace brisk {
namespace {

constexpr const char* kStep = "half of the channels";

double prune_channels_seconds(const OptimizeContext& context, const Candidate&) {
  return context.judges_accuracy() ? train_on_seconds(context, 1) : 0;
}

Result<Candidate> halve_channels(OptimizeContext& context, const Candidate& best) {
  if (!context.judges_accuracy())
    return fail("no accuracy is judged, and fewer channels cost some");
  const StructuredPruningOptions options{.sparsity = 0.5};
  try {
    prune_channels(best.trained, options);
  } catch (const UserError& error) {
    return fail("{}", error.what());
  }
  Result<Candidate> smaller =
      train_on(context, best, {.step = kStep, .learning_rate = 2e-3, .prune_channels = options});
  if (!smaller) return smaller;
  smaller->deployment.slow_layers.clear();
  smaller->deployment.layers_timed = false;
  deploy(context, *smaller);
  return smaller;
}

}  // namespace

DeploymentStep half_channels_step() {
  return {kStep, prune_channels_seconds, halve_channels};
}

}  // namespace brisk
