#pragma once

/// What the optimizers' files share.

#include "brisk/train/optimizer.h"

namespace brisk {

/// Whether one of `parts` stands in the name.
bool names_one_of(const std::string& name, const std::vector<std::string>& parts);

/// What all optimizers take, checked.
template <typename Options>
void take_shared_options(Optimizer& optimizer, const Options& options) {
  const std::string name = optimizer.name();
  const std::pair<const char*, double> values[] = {{"learning_rate", options.learning_rate},
                                                   {"weight_decay", options.weight_decay},
                                                   {"clipnorm", options.clipnorm},
                                                   {"global_clipnorm", options.global_clipnorm},
                                                   {"clipvalue", options.clipvalue}};
  for (const auto& [what, value] : values)
    require(value >= 0, "[{}] {} is {}, but must not be negative", name, what, value);
  require((options.clipnorm > 0) + (options.global_clipnorm > 0) + (options.clipvalue > 0) <= 1,
          "[{}] at most one of clipnorm ({}), global_clipnorm ({}) and clipvalue ({}) may be given",
          name, options.clipnorm, options.global_clipnorm, options.clipvalue);
  optimizer.learning_rate = options.learning_rate;
  optimizer.weight_decay = options.weight_decay;
  optimizer.exclude_from_weight_decay = options.exclude_from_weight_decay;
  optimizer.clipnorm = options.clipnorm;
  optimizer.global_clipnorm = options.global_clipnorm;
  optimizer.clipvalue = options.clipvalue;
}

}  // namespace brisk
