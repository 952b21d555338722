#pragma once

/// Which values the weights of a model take: what compressing them is worth.

#include <cstdint>

#include "brisk/nn/model.h"

namespace brisk {

/// Refused, with the parameter's name, where a weight is no number or infinite: whatever is
/// measured of such a model says nothing.
void require_finite(const Model& model);

/// How many classes the first output tells apart.
int64_t classes_of(const Model& model);

/// Of the elements of all kernels that could be pruned (brisk/compress/prunable_parameters.h).
double share_of_zeros(const Model& model);

/// The most values that one of these kernels takes; `limit` + 1 where one takes more than `limit`.
int64_t most_values(const Model& model, int64_t limit);

}  // namespace brisk
