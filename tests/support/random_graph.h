#pragma once

/// Random graphs of elementwise, move, reduce, contract, source and (where asked for) control ops:
/// for round trips through the text form and for lowered against plain evaluation.

#include <cstdint>
#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/ir/graph.h"

namespace brisk::testing {

struct RandomGraphOptions {
  int num_nodes = 12;  ///< drawn ops; broadcasts and constants come on top
  DType type = DType::f64;
  int depth = 0;  ///< how deep regions nest; 0: none
};

/// The graph of a seed: up to four inputs of rank 0 to 3, one to three outputs. Values stay within
/// about [-4, 4] for inputs in [-2, 2], so that no difference hides behind an overflow.
Graph random_graph(uint64_t seed, const RandomGraphOptions& options = {});

/// Inputs in [-2, 2] for it.
std::vector<Tensor> random_inputs(const Graph& graph, uint64_t seed);

}  // namespace brisk::testing
