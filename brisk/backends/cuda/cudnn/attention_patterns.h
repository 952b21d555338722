#pragma once

/// Attention and its gradient as cuDNN wants them described: the graphs of products, folds and
/// pointwise operations that its engines of flash attention are looked up by.

#include <optional>

#include "brisk/backends/cuda/cudnn/operation_graph.h"
#include "brisk/ir/graph.h"
#include "brisk/ops/composite/composite.h"

namespace brisk::cuda::cudnn {

/// Sizes of attention. Its tensors lie as [batch, steps, heads, size].
struct AttentionProblem {
  int64_t batch = 1, heads = 1, queries = 1, keys = 1, size = 1, value_size = 1;
  DType type = DType::f16;
  float scale = 1;
  bool is_causal = false;
  std::optional<TensorShape> bias;

  /// [batch, heads, steps, size] over memory [batch, steps, heads, size].
  TensorShape heads_first(int64_t steps, int64_t width) const;
  /// The same with the last two axes exchanged.
  TensorShape transposed(int64_t steps, int64_t width) const;
  /// f32 [batch, heads, queries, 1].
  TensorShape statistics() const;
  /// Of products with the scores, a multiplication and an addition each counted.
  double product_flops() const;
};
/// What a node "dot_product_attention" or "dot_product_attention_gradient" says; the latter knows
/// nothing of dropout.
AttentionAttributes attributes_of(const Node& node);
/// Of a node "dot_product_attention" or "dot_product_attention_gradient".
AttentionProblem attention_problem(const Node& node, std::span<const Type> operands);

/// In memory: query, key, value, the bias where there is one, result, statistics.
void attention_forward(GraphBuilder& graph, const AttentionProblem& problem);

/// How the query's gradient, a sum over the key's blocks, is taken.
enum class QueryGradient : uint8_t {
  exact,        ///< score gradients are kept for a product of their own: equal in every run
  accumulated,  ///< blocks add theirs in f32 as they come: less memory, another order each run
};
/// In memory: query, key, value, result, statistics, the result's gradient, the bias where there is
/// one, gradients of query, key and value; scratch: row sums (as the statistics) and, if
/// accumulated, the query's gradient in f32.
void attention_backward(GraphBuilder& graph, const AttentionProblem& problem, QueryGradient form);

}  // namespace brisk::cuda::cudnn
