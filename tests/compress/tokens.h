#pragma once

/// Inputs of small language models.

#include <vector>

#include "brisk/base/philox.h"
#include "brisk/ir/program.h"

namespace brisk {

/// Whole numbers below 2 for each batch input: tokens i32[batch, steps], and positions of pads.
inline std::vector<Tensor> tokens(const Program& program, int64_t batch) {
  PhiloxSequence random(7);
  std::vector<Tensor> inputs;
  for (size_t i = program.state.size(); i < program.graph.inputs().size(); ++i) {
    const Type& type = program.graph.input_type(i);
    std::vector<int64_t> sizes = {batch};
    for (int64_t axis = 1; axis < type.rank(); ++axis) sizes.push_back(type.shape().size(axis));
    Tensor input(type.dtype(), sizes);
    for (int64_t j = 0; j < input.num_elements(); ++j)
      input.set(j, static_cast<double>(random.next_below(2)));
    inputs.push_back(input);
  }
  return inputs;
}

}  // namespace brisk
