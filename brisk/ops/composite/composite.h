#pragma once

/// Ops defined by a decomposition into simpler ones; some carry a cheaper gradient of their own.

#include "brisk/ir/builder.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {

Value softmax(Value x, int64_t axis = -1);
Value log_softmax(Value x, int64_t axis = -1);
Value log_sum_exp(Value x, int64_t axis = -1, bool keep_dims = false);

struct CrossEntropyAttributes {
  double label_smoothing = 0;
  template <typename F>
  void fields(F&& f) {
    f("label_smoothing", label_smoothing);
  }
};
/// -log softmax(logits)[label] per row: logits [..., classes], labels i32 [...]; f32 result [...].
/// Its own gradient is (softmax - one_hot) * g. Labels outside [0, classes) give NaN.
Value sparse_softmax_cross_entropy(Value logits, Value labels, double label_smoothing = 0);
/// With dense target distributions [..., classes].
Value softmax_cross_entropy(Value logits, Value targets, double label_smoothing = 0);

struct BatchNormAttributes {
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool training = false;
  template <typename F>
  void fields(F&& f) {
    f("momentum", momentum);
    f("epsilon", epsilon);
    f("training", training);
  }
};
struct BatchNorm {
  Value y, moving_mean, moving_variance;
};
/// Over the last axis as channels. Training: normalises by the batch's mean and biased variance
/// over all other axes and returns moving * momentum + batch * (1 - momentum); else by the moving
/// ones, which come back unchanged. Statistics are f32 for short floats. No gradient flows into
/// or out of the moving statistics.
BatchNorm batch_norm(Value x, Value gamma, Value beta, Value moving_mean, Value moving_variance,
                     BatchNormAttributes attributes);

struct LayerNormAttributes {
  std::vector<int64_t> axes;  ///< ascending, normalised
  double epsilon = 1e-3;
  template <typename F>
  void fields(F&& f) {
    f("axes", axes);
    f("epsilon", epsilon);
  }
};
/// gamma and beta have the extents of `axes`.
Value layer_norm(Value x, Value gamma, Value beta, std::vector<int64_t> axes, double epsilon);

struct DropoutAttributes {
  double rate = 0.5;
  bool training = false;
  template <typename F>
  void fields(F&& f) {
    f("rate", rate);
    f("training", training);
  }
};
/// Training: zero with probability `rate`, else x / (1 - rate), by random_bits(key); else x.
Value dropout(Value x, Value key, DropoutAttributes attributes);

struct AttentionAttributes {
  double scale = 1;        ///< of the products of query and key
  bool is_causal = false;  ///< step i of the query sees steps 0 to i of the key
  double dropout = 0;      ///< rate at which weights are dropped in training
  bool training = false;
  template <typename F>
  void fields(F&& f) {
    f("scale", scale);
    f("is_causal", is_causal);
    f("dropout", dropout);
    f("training", training);
  }
};
struct AttentionResult {
  Value y;           ///< like the query, with the value's size
  Value statistics;  ///< log(sum(exp(scores))) over the key's steps, [batch, heads, T], f32 for
                     ///< short floats: what the gradient computes the weights again from
};
/// softmax(scale * query key^T + bias) value for each head. query [batch, T, heads, size], key
/// [batch, S, heads, size], value [batch, S, heads, value_size]; `bias`, which may be undefined, is
/// [batch, heads, T, S] with 1 for any of them, in f32 or the query's type. `random_key` decides
/// what is dropped; it is given where the rate is positive.
AttentionResult dot_product_attention(Value query, Value key, Value value, Value bias,
                                      AttentionAttributes attributes, Value random_key = {});
/// Gradients at query, key and value where `dy` flows into attention's result and nothing into its
/// statistics.
struct AttentionGradient {
  Value query, key, value;
};
struct AttentionGradientAttributes {
  double scale = 1;
  bool is_causal = false;
  template <typename F>
  void fields(F&& f) {
    f("scale", scale);
    f("is_causal", is_causal);
  }
};
/// Where weights were dropped there is no such op: attention has a gradient in plain ops then.
AttentionGradient dot_product_attention_gradient(Value query, Value key, Value value, Value bias,
                                                 AttentionResult result, Value dy,
                                                 AttentionGradientAttributes attributes);

/// Rows of `table` [vocabulary, dim] at `indices`: [..., dim]. Gradient by scatter_add.
Value embedding(Value table, Value indices);

}  // namespace brisk
