#pragma once

/// Labels are data, so that no shape rule sees them: a label that names no class would turn the
/// loss and then every weight into NaN without a word.

#include <string>

#include "brisk/base/tensor.h"

namespace brisk {

/// Refuses `labels` (i32, any shape) unless all lie in [0, num_classes), with the first that does
/// not and its place.
void check_labels(const Tensor& labels, int64_t num_classes, const std::string& model);

}  // namespace brisk
