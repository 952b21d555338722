#pragma once

/// Metrics that are sums over examples: accuracy (sparse or dense by the targets' type),
/// top_k_categorical_accuracy ("top_5_accuracy"), mean_squared_error, mean_absolute_error.

#include <string>

#include "brisk/ir/builder.h"

namespace brisk {

/// Refused with the nearest known name unless there is a metric `name`.
void require_metric(const std::string& name);

/// The metric's value of each example, f32 [batch]; its mean is the metric.
/// Refused with the nearest known name.
Value per_example_metric(const std::string& name, Value predictions, Value targets);

}  // namespace brisk
