#pragma once

/// Gradients held against central finite differences.

#include <span>
#include <string>
#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/ir/graph.h"

namespace brisk::testing {

/// `loss`: a graph with one rank-0 f64 output. `gradients`: of the loss at `inputs` with respect to
/// each input that `wrt` names. Compares a few elements of each and the derivative along a random
/// direction. Empty when all agree, else a sentence with the first that does not.
std::string gradient_difference(const Graph& loss, std::span<const Tensor> inputs,
                                std::span<const size_t> wrt, std::span<const Tensor> gradients,
                                uint64_t key);

}  // namespace brisk::testing
