#include "brisk/nn/layers/merge.h"

#include <algorithm>

#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

Value fold(std::span<const Value> inputs, Value (*combine)(Value, Value)) {
  require(inputs.size() >= 2, "at least two inputs are needed, but {} are given", inputs.size());
  int64_t rank = 0;
  for (const Value& input : inputs) rank = std::max(rank, input.rank());
  const auto of_rank = [&](Value x) {
    while (x.rank() < rank) x = expand_dims(x, 1);
    return x;
  };
  Value result = of_rank(inputs[0]);
  for (const Value& input : inputs.subspan(1)) result = combine(result, of_rank(input));
  return result;
}

/// Divided by the Euclidean norm along `axis`.
Value unit_vectors(Value x, int64_t axis) {
  const Value squares = reduce_sum(square(x), {axis}, true);
  return x * rsqrt(maximum(squares, x.builder->scalar(x.dtype(), 1e-12)));
}

}  // namespace

Value Add::build(LayerContext&, std::span<const Value> inputs) const {
  return fold(inputs, add);
}
Value Multiply::build(LayerContext&, std::span<const Value> inputs) const {
  return fold(inputs, multiply);
}
Value Maximum::build(LayerContext&, std::span<const Value> inputs) const {
  return fold(inputs, maximum);
}
Value Minimum::build(LayerContext&, std::span<const Value> inputs) const {
  return fold(inputs, minimum);
}
Value Subtract::build(LayerContext&, std::span<const Value> inputs) const {
  require(inputs.size() == 2, "two inputs are needed, but {} are given", inputs.size());
  return fold(inputs, subtract);
}
Value Average::build(LayerContext&, std::span<const Value> inputs) const {
  return fold(inputs, add) / static_cast<double>(inputs.size());
}

Value Concatenate::build(LayerContext&, std::span<const Value> inputs) const {
  require(!inputs.empty(), "at least one input is needed");
  return concatenate(inputs, normalize_axis(axis, inputs[0].rank(), "Concatenate"));
}

Value Dot::build(LayerContext&, std::span<const Value> inputs) const {
  require(inputs.size() == 2, "two inputs are needed, but {} are given", inputs.size());
  require(axes.size() == 1 || axes.size() == 2, "axes must be one or two numbers, but are {}",
          axes.size());
  Value a = inputs[0], b = inputs[1];
  const int64_t first = normalize_axis(axes[0], a.rank(), "Dot"),
                second = normalize_axis(axes.back(), b.rank(), "Dot");
  require(first > 0 && second > 0, "the batch cannot be summed over");
  if (normalize) {
    a = unit_vectors(a, first);
    b = unit_vectors(b, second);
  }
  const Value y = dot_general(
      a, b,
      {.lhs_contract = {first}, .rhs_contract = {second}, .lhs_batch = {0}, .rhs_batch = {0}});
  return y.rank() == 1 ? expand_dims(y, 1) : y;
}

}  // namespace brisk
