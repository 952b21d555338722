#include "brisk/nn/layers/language.h"

#include "brisk/nn/layers/core.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

namespace brisk {

Value ReversibleEmbedding::build(LayerContext& context, std::span<const Value> inputs) const {
  const Embedding forward{.input_dim = input_dim,
                          .output_dim = output_dim,
                          .embeddings_initializer = embeddings_initializer};
  const Value x = inputs[0];
  // Both tables are there whichever way a call goes, as in Keras.
  const Value own = forward.table(context);
  const Value back = tie_weights ? own
                                 : context.parameter("reverse_embeddings",
                                                     Type(DType::f32, {output_dim, input_dim}),
                                                     embeddings_initializer);
  if (!reverse) return forward.build(context, inputs);
  require(x.rank() >= 1 && x.shape()[x.rank() - 1] == Extent(output_dim),
          "the way back takes [..., {}], but the input is {}", output_dim, x.type().to_string());
  const Value scores =
      dot_general(x, back, {.lhs_contract = {x.rank() - 1}, .rhs_contract = {tie_weights ? 1 : 0}});
  if (!logit_soft_cap) return scores;
  return tanh(scores * (1 / *logit_soft_cap)) * *logit_soft_cap;
}

Value PositionEmbedding::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  require(x.rank() == 3, "the input must be [batch, steps, features], but is {}",
          x.type().to_string());
  const int64_t steps = x.shape().size(1), features = x.shape().size(2);
  require(steps <= sequence_length, "{} steps are given, but sequence_length is {}", steps,
          sequence_length);
  const Value table = context.parameter("position_embeddings",
                                        Type(x.dtype(), {sequence_length, features}), initializer);
  return broadcast(slice(table, {0, 0}, {steps, features}), x.shape(), {1, 2});
}

}  // namespace brisk
