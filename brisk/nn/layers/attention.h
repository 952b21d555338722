#pragma once

/// Attention layers. Inputs of a call have names: query, value, key, and masks.

#include "brisk/nn/layer.h"

namespace brisk {

/// softmax(query key^T) value over [batch, steps, features] (Luong et al. 2015). The call takes
/// {query, value} or {query, value, key} as "inputs", then masks as "query_mask" and
/// "value_mask".
struct Attention {
  static constexpr std::string_view kKind = "Attention";
  bool use_scale = false;          ///< a learnt factor of the scores
  std::string score_mode = "dot";  ///< or "concat": sum of tanh(query + key), weighted
  double dropout = 0;
  std::vector<std::string> inputs = {};
  bool return_attention_scores = false, use_causal_mask = false;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("use_scale", use_scale);
    f("score_mode", score_mode);
    f("dropout", dropout);
  }
  template <typename F>
  void call_fields(F&& f) {
    f("inputs", inputs);
    f("return_attention_scores", return_attention_scores);
    f("use_causal_mask", use_causal_mask);
  }
  std::vector<Value> build(LayerContext& context, std::span<const Value> values) const;
};

/// Scores are sums of tanh(query + key), weighted by a learnt vector (Bahdanau et al. 2015).
struct AdditiveAttention {
  static constexpr std::string_view kKind = "AdditiveAttention";
  bool use_scale = true;
  double dropout = 0;
  std::vector<std::string> inputs = {};
  bool return_attention_scores = false, use_causal_mask = false;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("use_scale", use_scale);
    f("dropout", dropout);
  }
  template <typename F>
  void call_fields(F&& f) {
    f("inputs", inputs);
    f("return_attention_scores", return_attention_scores);
    f("use_causal_mask", use_causal_mask);
  }
  std::vector<Value> build(LayerContext& context, std::span<const Value> values) const;
};

/// Multi-head attention (Vaswani et al. 2017). query [batch, T, features], value and key
/// [batch, S, features]; several axes in T and S are attended over together, unless attention_axes
/// names some of them. query_mask [batch, T], value_mask and key_mask [batch, S], attention_mask
/// [batch, T, S]: bool.
struct MultiHeadAttention {
  static constexpr std::string_view kKind = "MultiHeadAttention";
  int64_t num_heads = 1, key_dim = 1;
  std::optional<int64_t> value_dim = std::nullopt;  ///< key_dim when there is none
  double dropout = 0;                               ///< of the attention scores
  bool use_bias = true;
  std::vector<int64_t> output_shape = {};  ///< the query's features when empty
  std::vector<int64_t> attention_axes = {};
  std::string kernel_initializer = "glorot_uniform";
  std::string bias_initializer = "zeros";
  std::vector<std::string> inputs = {"query", "value"};
  bool return_attention_scores = false, use_causal_mask = false;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("num_heads", num_heads);
    f("key_dim", key_dim);
    f("value_dim", value_dim);
    f("dropout", dropout);
    f("use_bias", use_bias);
    f("output_shape", output_shape);
    f("attention_axes", attention_axes);
    f("kernel_initializer", kernel_initializer);
    f("bias_initializer", bias_initializer);
  }
  template <typename F>
  void call_fields(F&& f) {
    f("inputs", inputs);
    f("return_attention_scores", return_attention_scores);
    f("use_causal_mask", use_causal_mask);
  }
  std::vector<Value> build(LayerContext& context, std::span<const Value> values) const;
};

/// Attention whose key and value heads serve several query heads each (Ainslie et al. 2023).
struct GroupQueryAttention {
  static constexpr std::string_view kKind = "GroupQueryAttention";
  int64_t head_dim = 1, num_query_heads = 1, num_key_value_heads = 1;
  double dropout = 0;
  bool use_bias = true;
  std::string kernel_initializer = "glorot_uniform";
  std::string bias_initializer = "zeros";
  std::vector<std::string> inputs = {"query", "value"};
  bool return_attention_scores = false, use_causal_mask = false;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("head_dim", head_dim);
    f("num_query_heads", num_query_heads);
    f("num_key_value_heads", num_key_value_heads);
    f("dropout", dropout);
    f("use_bias", use_bias);
    f("kernel_initializer", kernel_initializer);
    f("bias_initializer", bias_initializer);
  }
  template <typename F>
  void call_fields(F&& f) {
    f("inputs", inputs);
    f("return_attention_scores", return_attention_scores);
    f("use_causal_mask", use_causal_mask);
  }
  std::vector<Value> build(LayerContext& context, std::span<const Value> values) const;
};

}  // namespace brisk
