#pragma once

/// What an optimization begins with.

#include "brisk/optimize/context.h"

namespace brisk {

struct OptimizeJob {
  Recipe recipe;
  std::string name;  ///< of the model, as the report calls it
  std::string data, validation;
  std::string preprocessing;  ///< of the packages that are written
  std::string optimization;   ///< what was done to the model before; may be empty
  bool trains = false;        ///< the model has yet to be trained as the recipe says
  bool has_data = true;       ///< examples to find ranges and to train on
  bool untrained = false;     ///< the weights mean nothing
  std::string accuracy_note;  ///< why no accuracy can be judged; empty where it can
  Json about;                 ///< what tells it from other optimizations
};

/// From a recipe, a package or a name of the zoo. Refused where there is no held-out data, where
/// the data does not fit the model, and where there are too few examples to find ranges on.
OptimizeJob open_job(const OptimizeOptions& options);

}  // namespace brisk
