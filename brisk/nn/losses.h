#pragma once

/// Losses under Keras's names: sparse_categorical_crossentropy, categorical_crossentropy,
/// binary_crossentropy, mean_squared_error, mean_absolute_error, huber. Reduction:
/// sum_over_batch_size.

#include <string>
#include <vector>

#include "brisk/ir/builder.h"

namespace brisk {

struct LossSpec {
  std::string name = "sparse_categorical_crossentropy";
  bool from_logits = true;
  double label_smoothing = 0;  ///< of the crossentropies; refused for other losses
  double delta = 1.0;          ///< huber
};

std::vector<std::string> loss_names();

/// Loss of each example, f32 [batch] (f64 for f64 predictions), from predictions [batch, ...] and
/// targets. A crossentropy of a softmax (binary: a sigmoid) is computed of its logits, whatever
/// `from_logits` says, as Keras does.
Value per_example_loss(Value predictions, Value targets, const LossSpec& spec);
/// The type of the targets that go with predictions of `type`: i32 [batch] for sparse losses.
Type target_type(const Type& predictions, const LossSpec& spec);

}  // namespace brisk
