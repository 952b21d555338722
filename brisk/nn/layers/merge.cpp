#include "brisk/nn/layers/merge.h"

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

Value fold(std::span<const Value> inputs, Value (*combine)(Value, Value)) {
  require(inputs.size() >= 2, "at least two inputs are needed, but {} are given", inputs.size());
  Value result = inputs[0];
  for (const Value& input : inputs.subspan(1)) result = combine(result, input);
  return result;
}

}  // namespace

Value Add::build(LayerContext&, std::span<const Value> inputs) const { return fold(inputs, add); }
Value Multiply::build(LayerContext&, std::span<const Value> inputs) const { return fold(inputs, multiply); }

Value Concatenate::build(LayerContext&, std::span<const Value> inputs) const {
  require(!inputs.empty(), "at least one input is needed");
  return concatenate(inputs, normalize_axis(axis, inputs[0].rank(), "Concatenate"));
}

}  // namespace brisk
