#include "brisk/nn/layers/activation.h"

#include <algorithm>

#include "brisk/nn/layers/masked.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/composite/shifted_exponentials.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

namespace brisk {

Value ReLU::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  require(negative_slope >= 0 && threshold >= 0 && max_value.value_or(0) >= 0,
          "max_value, negative_slope and threshold must not be negative");
  Value y;
  if (threshold == 0) {
    if (negative_slope == 0 && max_value == 6.0) return relu6(x);
    y = negative_slope == 0 ? relu(x) : leaky_relu(x, negative_slope);
  } else {
    const Value limit = context.builder().scalar(x.dtype(), threshold);
    y = select(greater(x, limit), x, negative_slope * (x - threshold));
  }
  return max_value ? minimum(y, context.builder().scalar(x.dtype(), *max_value)) : y;
}

Value LeakyReLU::build(LayerContext&, std::span<const Value> inputs) const {
  return leaky_relu(inputs[0], negative_slope);
}

Value PReLU::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  Shape shape;
  for (int64_t axis = 1; axis < x.rank(); ++axis) {
    const bool shared = std::ranges::find(shared_axes, axis) != shared_axes.end();
    shape.push_back(shared ? Extent(1) : x.shape()[axis]);
  }
  const Value alpha = context.parameter("alpha", Type(x.dtype(), shape), alpha_initializer);
  return relu(x) - alpha * relu(-x);
}

Value ELU::build(LayerContext&, std::span<const Value> inputs) const {
  return elu(inputs[0], alpha);
}

Value Softmax::build(LayerContext&, std::span<const Value> values) const {
  Value x = values[0];
  if (values.size() > 1) x = masked_scores(x, values[1]);
  require(!axis.empty(), "axis names no axis");
  if (axis.size() == 1) return softmax(x, axis[0]);
  std::vector<int64_t> axes;
  for (const int64_t a : axis) axes.push_back(normalize_axis(a, x.rank(), "Softmax"));
  std::sort(axes.begin(), axes.end());
  const ShiftedExponentials e = shifted_exponentials(x, axes);
  return cast(e.exp / e.sum, x.dtype());
}

}  // namespace brisk
