#pragma once

/// From a model and a loss to the graph that is differentiated.

#include "brisk/train/step.h"

namespace brisk {

/// The model over `batch_size` examples, layers inlined, precision applied: what is differentiated,
/// evaluated and served by a trainer. In training mode with the updates of the model's state.
Program make_forward_program(const Model& model, const StepOptions& options, int64_t batch_size,
                             bool training);

/// (model state..., features..., targets) -> (mean loss, mean metrics..., updates of the model's
/// state): the forward part of a step over `batch_size` examples, layers inlined, precision
/// applied. The state is the model's and, in training, that of the teacher it is distilled from;
/// results are "loss" and the metrics.
Program make_loss_program(const Model& model, const StepOptions& options, int64_t batch_size,
                          bool training);

}  // namespace brisk
