#pragma once

/// One step of a model on made-up data: what `explain`, `profile` and `bench` look at.

#include <string>
#include <vector>

#include "brisk/train/step.h"

namespace brisk {

struct ModelStepOptions {
  int64_t batch_size = 32;
  Precision precision = Precision::float32;
  int64_t accumulate = 1;
  bool inference = false;            ///< the forward pass alone, not a training step
  OptimizerPtr optimizer = nullptr;  ///< adam() when empty
  LoweringTarget target = {};        ///< of the backend that will run it
  double label_smoothing = 0;
  std::vector<std::string> metrics = {"accuracy"};
  std::vector<std::string> disabled_passes = {};
};

struct ModelStep {
  Program program;            ///< all dimensions bound, not lowered
  std::vector<Tensor> state;  ///< one per state entry
};
ModelStep make_model_step(const Model& model, const ModelStepOptions& options);

/// A made-up batch: normally distributed features, labels and tokens of which each is as likely.
std::vector<Tensor> synthetic_batch(const Program& program);

/// The step with its batch kept among the state, so that it lies in the device's memory and no run
/// moves it: what benchmarks call synthetic data.
ModelStep with_batch_in_state(ModelStep step);

/// The precision of that name; refused with the nearest known one.
Precision parse_precision(const std::string& name);
/// "f32", "fp16", "bf16", "f64": as benchmarks name them.
std::string_view short_name(Precision precision);

}  // namespace brisk
