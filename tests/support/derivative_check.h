#pragma once

/// Derivatives of any graph held against finite differences, to the second order.

#include <string>
#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/ir/graph.h"

namespace brisk::testing {

/// Holds the gradient of a random projection of `graph`'s outputs against finite differences at
/// `inputs` (f64 where floating), and, for `order` 2, the gradient of a projection of that gradient
/// too. Empty when all agree, else a sentence with the first that does not.
std::string derivative_difference(const Graph& graph, const std::vector<Tensor>& inputs,
                                  const std::vector<size_t>& wrt, int order = 2);

/// The gradients alone of output 0, as outputs.
Graph gradients_only(const Graph& graph, const std::vector<size_t>& wrt);

/// f64 values in [low, high] from a stream that `key` names.
Tensor random_values(std::vector<int64_t> sizes, uint64_t key, double low = -1, double high = 1);

}  // namespace brisk::testing
