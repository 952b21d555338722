#include "brisk/nn/layers/core.h"

#include "brisk/nn/activations.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {

Value Dense::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  require(units > 0, "units is {}, but must be positive", units);
  require(x.rank() >= 2, "the input needs at least the axes [batch, features], but is {}",
          x.type().to_string());
  const int64_t in = x.shape().size(x.rank() - 1);
  const Value kernel =
      context.parameter("kernel", Type(x.dtype(), {in, units}), kernel_initializer);
  Value y = dot_general(x, kernel, {.lhs_contract = {x.rank() - 1}, .rhs_contract = {0}});
  if (use_bias) y = y + context.parameter("bias", Type(x.dtype(), {units}), bias_initializer);
  return brisk::activation(activation, y);
}

Value Embedding::table(LayerContext& context) const {
  require(input_dim > 0 && output_dim > 0, "input_dim {} and output_dim {} must be positive",
          input_dim, output_dim);
  return context.parameter("embeddings", Type(DType::f32, {input_dim, output_dim}),
                           embeddings_initializer);
}

Value Embedding::build(LayerContext& context, std::span<const Value> inputs) const {
  const DType type = inputs[0].dtype();
  return embedding(table(context), type == DType::i32 || type == DType::i64
                                       ? inputs[0]
                                       : cast(inputs[0], DType::i32));
}

Value ActivationLayer::build(LayerContext&, std::span<const Value> inputs) const {
  return brisk::activation(activation, inputs[0]);
}

Value Masking::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  const Value is_given = not_equal(x, context.builder().scalar(x.dtype(), mask_value));
  return x * cast(reduce_any(is_given, {x.rank() - 1}, true), x.dtype());
}

}  // namespace brisk
