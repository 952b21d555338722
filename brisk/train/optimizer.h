#pragma once

/// Optimizers under Keras's names, arguments and defaults. An optimizer describes its slots and
/// emits the update of one parameter; the step is joined around it (brisk/train/step.h).

#include <memory>
#include <string>
#include <vector>

#include "brisk/ir/builder.h"

namespace brisk {

/// What an update rule sees, all f32 (or the parameter's type); shapes: the parameter's or rank 0.
struct UpdateContext {
  Value parameter;
  Value gradient;             ///< unscaled, clipped
  Value learning_rate;        ///< rank 0
  Value iteration;            ///< rank 0 f32: t, starting at 1
  std::vector<Value> slots;   ///< in the order of Optimizer::slots()
};
struct UpdateResult {
  Value parameter;
  std::vector<Value> slots;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// "sgd", "adam", "adamw".
  virtual std::string name() const = 0;
  /// Names of the slots of each parameter: {"momentum", "velocity"}; zeros at first, f32.
  virtual std::vector<std::string> slots() const = 0;
  virtual UpdateResult update(const UpdateContext& context) const = 0;

  double learning_rate = 0.001;  ///< used when there is no schedule
  double weight_decay = 0;       ///< decoupled: w -= w * weight_decay * learning_rate, before the update
  std::vector<std::string> exclude_from_weight_decay;  ///< parts of parameter names
  double clipnorm = 0;           ///< per parameter; 0: off
  double global_clipnorm = 0;    ///< over all; 0: off
  double clipvalue = 0;          ///< 0: off
};
using OptimizerPtr = std::shared_ptr<const Optimizer>;

/// Of clipnorm, global_clipnorm and clipvalue at most one may be given.
struct SgdOptions {
  double learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  std::vector<std::string> exclude_from_weight_decay = {};
  double clipnorm = 0, global_clipnorm = 0, clipvalue = 0;
};
struct AdamOptions {
  double learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  double weight_decay = 0;
  std::vector<std::string> exclude_from_weight_decay = {};
  double clipnorm = 0, global_clipnorm = 0, clipvalue = 0;
};
OptimizerPtr sgd(const SgdOptions& options = {});
OptimizerPtr adam(const AdamOptions& options = {});
/// Adam with weight_decay 0.004 unless given.
OptimizerPtr adamw(AdamOptions options = {.weight_decay = 0.004});

}  // namespace brisk
