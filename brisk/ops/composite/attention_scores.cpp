#include "brisk/ops/composite/attention_scores.h"

#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

// With weights P = softmax(s), result o = P v and a gradient g at o (Dao et al., 2022, appendix B):
//
//   dv = P^T g,   dP = g v^T,   ds = P (dP - rowsum(g o)),   dq = scale ds k,   dk = scale ds^T q
//
// rowsum(g o) is rowsum(P dP), with dropout too, taken where it costs least. A gradient at the
// statistics, whose derivative is P, is added to ds inside the brackets.

namespace brisk {

AttentionShape attention_shape(const InferContext& context, std::string_view op) {
  const TensorType &query = context.tensor(0), &key = context.tensor(1), &value = context.tensor(2);
  for (const auto& [what, i] : {std::pair("query", 0u), {"key", 1u}, {"value", 2u}}) {
    const TensorType& type = context.tensor(i);
    require(is_floating(type.dtype) && type.dtype == query.dtype && type.shape.rank() == 4,
            "[{}] query, key and value must be [batch, steps, heads, size] of one floating type, "
            "but the {} is {}",
            op, what, context.operands[i].to_string());
  }
  const AttentionShape shape{query.shape[0], query.shape[1], key.shape[1],
                             query.shape[2], query.shape[3], value.shape[3]};
  require(key.shape == shape.key() && value.shape == shape.value(),
          "[{}] a query {} needs a key [{}, S, {}, {}] and a value [{}, S, {}, any size], not {} "
          "and {}",
          op, query.shape.to_string(), shape.batch.to_string(), shape.heads.to_string(),
          shape.size.to_string(), shape.batch.to_string(), shape.heads.to_string(),
          key.shape.to_string(), value.shape.to_string());
  return shape;
}

void check_attention_bias(const Type& bias, const AttentionShape& shape, DType type,
                          std::string_view op) {
  const Shape scores = shape.scores();
  bool fits = bias.is_tensor() && bias.rank() == 4 &&
              (bias.dtype() == type || bias.dtype() == compute_type(type));
  for (int64_t axis = 0; fits && axis < 4; ++axis)
    fits = bias.shape()[axis] == scores[axis] || bias.shape()[axis] == Extent(1);
  require(fits, "[{}] the bias must be {} or {} {}, or have extents of 1 there, but is {}", op,
          name(type), name(compute_type(type)), scores.to_string(), bias.to_string());
}

Value attention_scores(Value query, Value key, Value bias, const AttentionAttributes& attributes) {
  Builder& builder = *query.builder;
  const DType wide = compute_type(query.dtype());
  Value scores = cast(
      dot_general(
          query * attributes.scale, key,
          {.lhs_contract = {3}, .rhs_contract = {3}, .lhs_batch = {0, 2}, .rhs_batch = {0, 2}}),
      wide);
  const Shape shape = scores.shape();
  if (bias.defined()) scores = scores + broadcast_to(cast(bias, wide), shape);
  if (!attributes.is_causal) return scores;
  // Half of the lowest number: differences with a score stay finite.
  const double lowest = wide == DType::f64 ? -8e307 : -1.7e38;
  const Value sees =
      greater_equal(iota(builder, DType::i32, shape, 2), iota(builder, DType::i32, shape, 3));
  return select(sees, scores, builder.scalar(wide, lowest));
}

namespace {

/// A product over [batch, heads, rows, inner] and [batch, inner, heads, columns], back in the order
/// [batch, rows, heads, columns].
Value steps_first(Value weights, Value x, int64_t contract) {
  return transpose(dot_general(weights, x,
                               {.lhs_contract = {contract},
                                .rhs_contract = {1},
                                .lhs_batch = {0, 1},
                                .rhs_batch = {0, 2}}),
                   {0, 2, 1, 3});
}

}  // namespace

AttentionParts attention_parts(Value query, Value key, Value value, const AttentionResult& result,
                               Value dy, const AttentionExtras& extras,
                               const AttentionAttributes& attributes) {
  const Value scores = attention_scores(query, key, extras.bias, attributes);
  const Value weights = exp(scores - expand_dims(result.statistics, 3));
  const DType wide = scores.dtype();
  // The same weights are dropped on the way back: the same key, the same shape.
  const auto dropped = [&](Value x) {
    if (!extras.random_key.defined()) return x;
    return dropout(x, extras.random_key,
                   {.rate = attributes.dropout, .training = attributes.training});
  };
  const Value weight_gradient = dropped(cast(
      dot_general(
          dy, value,
          {.lhs_contract = {3}, .rhs_contract = {3}, .lhs_batch = {0, 2}, .rhs_batch = {0, 2}}),
      wide));
  Value taken = transpose(reduce_sum(cast(dy, wide) * cast(result.y, wide), {3}), {0, 2, 1});
  if (extras.statistics_gradient.defined()) taken = taken - extras.statistics_gradient;
  return {dropped(weights), weights * (weight_gradient - expand_dims(taken, 3))};
}

AttentionGradient attention_gradient(const AttentionParts& parts, Value query, Value key, Value dy,
                                     const AttentionAttributes& attributes) {
  const DType type = query.dtype();
  const Value scaled = cast(parts.score_gradient * attributes.scale, type);
  return {steps_first(scaled, key, 3), steps_first(scaled, query, 2),
          steps_first(cast(parts.weights, type), dy, 2)};
}

}  // namespace brisk
