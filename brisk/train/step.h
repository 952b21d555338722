#pragma once

/// The training step as one program: forward, loss, backward, accumulation, loss scaling, optimizer.
///
///     step(state, features..., targets) -> (loss, metrics...; new state)
///
/// State, in order: the model's own (parameters, statistics, keys), then "optimizer/iteration"
/// (f32, counter), "optimizer/learning_rate" (f32, scalar), the slots
/// ("optimizer/<parameter>/<slot>"), and with float16 "loss_scale/scale" and
/// "loss_scale/good_steps". Results: "loss" (mean over the batch, f32), then one mean per metric.

#include <string>
#include <vector>

#include "brisk/nn/losses.h"
#include "brisk/nn/model.h"
#include "brisk/train/optimizer.h"

namespace brisk {

enum class Precision : uint8_t { float32, mixed_bfloat16, mixed_float16, float64 };
std::span<const std::string_view> enum_names(Precision);

struct StepOptions {
  LossSpec loss;
  std::vector<std::string> metrics = {"accuracy"};
  OptimizerPtr optimizer;
  Precision precision = Precision::float32;
  int64_t accumulate = 1;            ///< micro-steps in one step, as a scan inside the program
  double initial_loss_scale = 32768; ///< mixed_float16
  int64_t dynamic_growth_steps = 2000;
};

/// The step for batches of `batch_size` examples (all micro-steps together; a multiple of
/// `accumulate`). All dimensions are bound.
Program make_training_step(const Model& model, const StepOptions& options, int64_t batch_size);

/// (features..., targets) -> (loss sum, metric sums...) over a batch of `batch_size`, model in
/// inference mode; state: the model's.
Program make_evaluation_step(const Model& model, const StepOptions& options, int64_t batch_size);

/// The state for a training step: the model's weights, zero slots, iteration 0.
std::vector<Tensor> initial_step_state(const Program& step, const Model& model);

}  // namespace brisk
