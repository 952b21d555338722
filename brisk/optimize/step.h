#pragma once

/// A step of an optimization: one technique, tried on the best so far. Steps stand in two tables
/// (steps.cpp); each is a file of its own in steps/.

#include <string>
#include <vector>

#include "brisk/optimize/context.h"

namespace brisk {

/// A technique of training. `apply` changes the recipe, or fails with the reason why it is not
/// tried.
struct TrainingStep {
  std::string name;
  Result<Recipe> (*apply)(const Recipe& best, const Backend& backend);
};

/// A technique of deployment.
struct DeploymentStep {
  std::string name;
  /// What the technique makes of `best`, deployed; or the reason why it is not tried. May throw
  /// Stopped.
  Result<Candidate> (*apply)(OptimizeContext& context, const Candidate& best);
  /// Seconds that `apply` will take, by what was measured so far; empty: none to speak of.
  double (*seconds)(const OptimizeContext& context, const Candidate& best) = nullptr;
  /// Why it need not even be asked whether there is time; succeeds where it must.
  Status (*against)(const OptimizeContext& context, const Candidate& best) = nullptr;
};

/// In the order in which they are tried; the first of each is what the others are measured against.
std::vector<TrainingStep> training_steps();
/// What the target gains most by, for the accuracy that it costs, comes early.
std::vector<DeploymentStep> deployment_steps(OptimizeTarget target);

}  // namespace brisk
