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

namespace {

template <typename Layer>
Value embedding_table(LayerContext& context, const Layer& layer) {
  require(layer.input_dim > 0 && layer.output_dim > 0,
          "input_dim {} and output_dim {} must be positive", layer.input_dim, layer.output_dim);
  return context.parameter("embeddings", Type(DType::f32, {layer.input_dim, layer.output_dim}),
                           layer.embeddings_initializer);
}

Value rows_at(Value table, Value places) {
  const DType type = places.dtype();
  return embedding(table,
                   type == DType::i32 || type == DType::i64 ? places : cast(places, DType::i32));
}

}  // namespace

Value Embedding::build(LayerContext& context, std::span<const Value> inputs) const {
  return rows_at(embedding_table(context, *this), inputs[0]);
}

Value ReversibleEmbedding::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value table = embedding_table(context, *this), x = inputs[0];
  // Both tables are there whichever way a call goes.
  const Value back = tie_weights ? table
                                 : context.parameter("reverse_embeddings",
                                                     Type(DType::f32, {output_dim, input_dim}),
                                                     embeddings_initializer);
  if (!reverse) return rows_at(table, x);
  require(x.shape().size(x.rank() - 1) == output_dim,
          "to go back the input's last axis must be output_dim {}, but the input is {}", output_dim,
          x.type().to_string());
  const Value logits =
      dot_general(x, back, {.lhs_contract = {x.rank() - 1}, .rhs_contract = {tie_weights ? 1 : 0}});
  return logit_soft_cap ? tanh(logits / *logit_soft_cap) * *logit_soft_cap : logits;
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
