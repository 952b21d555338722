#pragma once

/// The training steps of two recipes, timed in turn.

#include "brisk/optimize/keep_rule.h"
#include "brisk/train/recipe.h"

namespace brisk {

struct TrainingTrial {
  Figures before, after;
  Comparison speed;  ///< of images a second
};

Figures training_figures(const Recipe& recipe, int rounds);
TrainingTrial try_training(const Recipe& before, const Recipe& after, int rounds);

}  // namespace brisk
