#pragma once

/// The training step as one program: forward, loss, backward, accumulation, loss scaling,
/// optimizer.
///
///     step(state, features..., targets) -> (loss, metrics...; new state)
///
/// State, in order: the model's own (parameters, statistics, keys), the teacher's that it is
/// distilled from ("teacher/<entry>", constant, set by the host), then "optimizer/iteration"
/// (counter), "optimizer/learning_rate" (scalar), what clusters parameters
/// ("clustering/<parameter>/centroids" and masks, set by the host before the first step), the slots
/// ("optimizer/<parameter>/<slot>"), the masks of pruned parameters ("pruning/<parameter>/mask",
/// ones at first, set by the host; by movement the scores too, "pruning/<parameter>/score"), and
/// with float16 "loss_scale/scale" and "loss_scale/good_steps". Results: "loss" (mean over the
/// batch), then one mean per metric. With float64 all of it is f64, batch inputs aside; else f32.

#include <set>
#include <string>
#include <vector>

#include "brisk/compress/clustering.h"
#include "brisk/compress/distillation.h"
#include "brisk/compress/pruning.h"
#include "brisk/nn/losses.h"
#include "brisk/nn/model.h"
#include "brisk/passes/pass.h"
#include "brisk/train/optimizer.h"

namespace brisk {

enum class Precision : uint8_t {
  float32,
  mixed_bfloat16,
  mixed_float16,
  float64,
  tf32,  ///< float32 whose products round their operands to TF32, on devices that have it
};
std::span<const std::string_view> enum_names(Precision);

struct StepOptions {
  LossSpec loss;
  std::vector<std::string> metrics = {"accuracy"};
  OptimizerPtr optimizer;
  PruningPtr pruning = nullptr;            ///< empty: every weight is trained
  ClusteringPtr clustering = nullptr;      ///< empty: each by itself; not together with pruning
  DistillationPtr distillation = nullptr;  ///< empty: the loss is of the targets alone
  Precision precision = Precision::float32;
  int64_t accumulate = 1;             ///< micro-steps in one step, as a scan inside the program
  double initial_loss_scale = 32768;  ///< mixed_float16
  int64_t dynamic_growth_steps = 2000;
  /// Passes of the forward pipeline that are switched off; names of the lowering's are let pass.
  std::set<std::string, std::less<>> disabled_passes = {};
  /// Of the backend that the step will be compiled for: what is formed before differentiation.
  LoweringTarget target = {};
};

/// The step for batches of `batch_size` examples (all micro-steps together; a multiple of
/// `accumulate`). All dimensions are bound.
Program make_training_step(const Model& model, const StepOptions& options, int64_t batch_size);

/// (features..., targets) -> (mean loss, mean metrics...) over a batch of `batch_size`, model in
/// inference mode; state: the model's.
Program make_evaluation_step(const Model& model, const StepOptions& options, int64_t batch_size);

/// features... -> the model's outputs for a batch of `batch_size`, in inference mode and in the
/// precision the model is trained in; state: the model's.
Program make_prediction_step(const Model& model, const StepOptions& options, int64_t batch_size);

/// The state entry of a pruned parameter's mask.
std::string mask_name(std::string_view parameter);
/// The state entry of the score of a parameter that is pruned by movement.
std::string score_name(std::string_view parameter);
/// The state entry of a clustered parameter's "centroids", "centroid_mask" or "mask".
std::string cluster_name(std::string_view parameter, std::string_view part);

/// Weights in the types of the first state entries: f32 weights for an f64 step, and back.
std::vector<Tensor> in_types_of(std::span<const StateEntry> entries,
                                std::span<const Tensor> weights);

/// The state for a step: the model's weights in the step's types, and for a training step zero
/// slots and iteration 0.
std::vector<Tensor> initial_step_state(const Program& step, const Model& model);

}  // namespace brisk
