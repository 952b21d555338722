#pragma once

/// Optimizers under Keras's names, arguments and defaults. An optimizer describes its slots and
/// emits the update of one parameter; the step is joined around it (brisk/train/step.h).

#include <memory>
#include <string>
#include <vector>

#include "brisk/ir/builder.h"

namespace brisk {

/// What an optimizer knows of a parameter from the start.
struct ParameterInfo {
  std::string name;  ///< "conv2d/kernel"
  Shape shape;
};

/// What an update rule sees, all f32 (or the parameter's type); shapes: the parameter's or rank 0.
struct UpdateContext {
  Value parameter;
  Value gradient;            ///< unscaled, clipped
  Value learning_rate;       ///< rank 0
  Value iteration;           ///< rank 0 f32: t, starting at 1
  std::vector<Value> slots;  ///< in the order of Optimizer::slots(info)
  ParameterInfo info;
};
struct UpdateResult {
  Value parameter;
  std::vector<Value> slots;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// "sgd", "adam", "adamw", "muon".
  virtual std::string name() const = 0;
  /// Names of the slots of a parameter: {"momentum", "velocity"}; zeros at first, f32.
  virtual std::vector<std::string> slots(const ParameterInfo& info) const = 0;
  virtual UpdateResult update(const UpdateContext& context) const = 0;
  /// 0 where the parameter is excluded.
  virtual double weight_decay_of(const ParameterInfo& info) const;

  double learning_rate = 0.001;  ///< used when there is no schedule
  double weight_decay = 0;  ///< decoupled: w -= w * weight_decay * learning_rate, before the update
  std::vector<std::string> exclude_from_weight_decay;  ///< parts of parameter names
  double clipnorm = 0;                                 ///< per parameter; 0: off
  double global_clipnorm = 0;                          ///< over all; 0: off
  double clipvalue = 0;                                ///< 0: off
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

/// Matrices move along their momentum made orthogonal; all other parameters, and those named by
/// the exclusions, by AdamW.
struct MuonOptions {
  double learning_rate = 0.001;
  double adam_beta_1 = 0.9, adam_beta_2 = 0.999, adam_weight_decay = 0.004, epsilon = 1e-7;
  double weight_decay = 0.004;
  std::vector<std::string> exclude_from_weight_decay = {};
  std::vector<std::string> exclude_layers =
      {};  ///< parts of parameter names; best the last layer's
  bool exclude_embeddings = true;
  /// Kernels of convolutions too, as matrices [height * width * input channels, filters]. Not in
  /// Keras.
  bool convolutions = false;
  double muon_a = 3.4445, muon_b = -4.7750, muon_c = 2.0315;
  double adam_lr_ratio = 1, momentum = 0.95;
  int64_t ns_steps = 5;
  /// The iteration works in bf16, as in its authors' own code; else in the parameter's type, as in
  /// Keras.
  bool ns_bfloat16 = false;
  bool nesterov = true;
  double rms_rate = 0.2;  ///< the step is scaled by this and sqrt(the longer side); 0: not scaled
  double clipnorm = 0, global_clipnorm = 0, clipvalue = 0;
};
OptimizerPtr muon(const MuonOptions& options = {});

}  // namespace brisk
