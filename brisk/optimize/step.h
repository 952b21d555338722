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
  /// Seconds that `apply` will take, by what was measured so far.
  double (*seconds)(const OptimizeContext& context, const Candidate& best);
  /// What the technique makes of `best`, deployed; or the reason why it is not tried. May throw
  /// Stopped.
  Result<Candidate> (*apply)(OptimizeContext& context, const Candidate& best);
};

/// In the order in which they are tried; the first of each is what the others are measured against.
std::vector<TrainingStep> training_steps();
std::vector<DeploymentStep> deployment_steps();

}  // namespace brisk
