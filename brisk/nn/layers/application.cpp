#include "brisk/nn/layers/application.h"

#include "brisk/nn/layers/regularization.h"
#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {

Value LayerScale::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  require(projection_dim > 0, "projection_dim is {}, but must be positive", projection_dim);
  const std::string initializer =
      fmt::format(R"({{"class_name": "Constant", "config": {{"value": {}}}}})", init_values);
  return x * context.parameter("gamma", Type(x.dtype(), {projection_dim}), initializer);
}

Value StochasticDepth::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  if (drop_path_rate == 0) return x;
  Shape shape{x.shape()[0]};
  for (int64_t axis = 1; axis < x.rank(); ++axis) shape.push_back(Extent(1));
  return x * dropout_mask(context, Type(x.dtype(), shape), drop_path_rate);
}

Value CustomScaleLayer::build(LayerContext&, std::span<const Value> inputs) const {
  require(inputs.size() == 2, "two inputs are needed, but {} are given", inputs.size());
  return inputs[0] + inputs[1] * scale;
}

}  // namespace brisk
