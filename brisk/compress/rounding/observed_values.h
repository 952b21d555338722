#pragma once

/// What a model computes on its way, read by a graph that goes on from there.

#include <span>
#include <vector>

#include "brisk/ir/builder.h"
#include "brisk/ir/program.h"

namespace brisk {

/// The graph of `program` in `builder`, which has no inputs yet, as far as `values` of it need it;
/// these.
std::vector<Value> observed_values(Builder& builder, const Program& program,
                                   std::span<const ValueId> values);

/// A forward pass with the state and batch inputs of `program`, and `outputs` of `builder`, in
/// which observed_values has put its graph.
Program observing(Builder& builder, const Program& program,
                  const std::vector<Builder::Output>& outputs);

}  // namespace brisk
