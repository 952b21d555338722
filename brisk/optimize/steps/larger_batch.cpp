#include <cmath>

#include "brisk/optimize/steps/steps.h"

// Twice the batch at once. So that the model learns as before, the learning rate grows: in
// proportion for sgd (Goyal et al., "Accurate, Large Minibatch SGD", 2017), by the square root for
// optimizers that divide by the gradient's magnitude (Malladi et al., "On the SDEs and Scaling
// Rules for Adaptive Gradient Algorithms", 2022).

namespace brisk {

TrainingStep larger_batch_step() {
  return {"twice the batch", [](const Recipe& best, const Backend&) -> Result<Recipe> {
            Recipe larger = best;
            larger.batch_size *= 2;
            const bool plain = best.optimizer.name == "sgd";
            const double rate = best.optimizer.learning_rate >= 0 ? best.optimizer.learning_rate
                                : plain                           ? 0.01
                                                                  : 0.001;
            larger.optimizer.learning_rate = rate * (plain ? 2 : std::sqrt(2.0));
            return larger;
          }};
}

}  // namespace brisk
