#include "brisk/nn/layers/core.h"

#include "brisk/nn/activations.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

namespace brisk {

Value Dense::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  require(units > 0, "units is {}, but must be positive", units);
  require(x.rank() >= 2, "the input needs at least the axes [batch, features], but is {}", x.type().to_string());
  const int64_t in = x.shape().size(x.rank() - 1);
  const Value kernel = context.parameter("kernel", Type(x.dtype(), {in, units}), kernel_initializer);
  Value y = dot_general(x, kernel, {.lhs_contract = {x.rank() - 1}, .rhs_contract = {0}});
  if (use_bias) y = y + context.parameter("bias", Type(x.dtype(), {units}), bias_initializer);
  return brisk::activation(activation, y);
}

Value Embedding::build(LayerContext& context, std::span<const Value> inputs) const {
  require(input_dim > 0 && output_dim > 0, "input_dim {} and output_dim {} must be positive", input_dim, output_dim);
  const Value table =
      context.parameter("embeddings", Type(DType::f32, {input_dim, output_dim}), embeddings_initializer);
  return embedding(table, inputs[0]);
}

Value ActivationLayer::build(LayerContext&, std::span<const Value> inputs) const {
  return brisk::activation(activation, inputs[0]);
}

Value ReLU::build(LayerContext&, std::span<const Value> inputs) const { return relu(inputs[0]); }

Value Dropout::build(LayerContext& context, std::span<const Value> inputs) const {
  require(rate >= 0 && rate < 1, "rate is {}, but must be in [0, 1)", rate);
  const Value key = context.state("seed_generator", Type(DType::u32, {2}), StateRole::random_key, "random_key");
  context.update(key, fold_key(key, uint64_t{0}));
  return dropout(inputs[0], key, {.rate = rate});
}

Value Flatten::build(LayerContext&, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  return reshape(x, Shape{x.shape()[0], Extent(-1)});
}

Value Reshape::build(LayerContext&, std::span<const Value> inputs) const {
  Shape shape{inputs[0].shape()[0]};
  for (const int64_t extent : target_shape) shape.push_back(Extent(extent));
  return reshape(inputs[0], shape);
}

}  // namespace brisk
