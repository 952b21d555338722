#pragma once

/// What attention and its gradient have in common: the operands' types and the scores.

#include <string_view>

#include "brisk/ops/composite/composite.h"

namespace brisk {

/// Extents of attention.
struct AttentionShape {
  Extent batch, queries, keys, heads, size, value_size;

  Shape query() const { return {batch, queries, heads, size}; }
  Shape key() const { return {batch, keys, heads, size}; }
  Shape value() const { return {batch, keys, heads, value_size}; }
  Shape result() const { return {batch, queries, heads, value_size}; }
  Shape scores() const { return {batch, heads, queries, keys}; }
  Shape statistics() const { return {batch, heads, queries}; }
};
/// Of operands query, key, value; refused where they do not fit. `op`: whose operands they are.
AttentionShape attention_shape(const InferContext& context, std::string_view op);
/// Refuses a bias that can't be broadcast to the scores.
void check_attention_bias(const Type& bias, const AttentionShape& shape, DType type,
                          std::string_view op);

/// scale * query key^T + bias [batch, heads, T, S] in the compute type; what causality hides is the
/// lowest number. `bias` may be undefined.
Value attention_scores(Value query, Value key, Value bias, const AttentionAttributes& attributes);

/// What attention's gradient is made of, in the compute type: [batch, heads, T, S].
struct AttentionParts {
  Value weights;         ///< exp(scores - statistics), without those that are dropped
  Value score_gradient;  ///< at the scores
};
/// What may be there besides operands, results and the result's gradient; undefined where it is
/// not.
struct AttentionExtras {
  Value bias, random_key;
  Value statistics_gradient;  ///< [batch, heads, T]
};
AttentionParts attention_parts(Value query, Value key, Value value, const AttentionResult& result,
                               Value dy, const AttentionExtras& extras,
                               const AttentionAttributes& attributes);
/// From the parts to the operands.
AttentionGradient attention_gradient(const AttentionParts& parts, Value query, Value key, Value dy,
                                     const AttentionAttributes& attributes);

}  // namespace brisk
