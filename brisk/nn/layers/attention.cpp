#include "brisk/nn/layers/attention.h"

#include <cmath>
#include <map>

#include "brisk/nn/layers/masked.h"
#include "brisk/nn/layers/regularization.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"

namespace brisk {
namespace {

/// bool [T, S]: each step sees itself and those before it.
Value causal_mask(Builder& builder, const Extent& queries, const Extent& keys) {
  return greater_equal(iota(builder, DType::i32, {queries, keys}, 0),
                       iota(builder, DType::i32, {queries, keys}, 1));
}

Value both(Value a, Value b) {
  return a.defined() ? (b.defined() ? logical_and(a, b) : a) : b;
}

// Attention and AdditiveAttention.

struct DotInputs {
  Value query, value, key, query_mask, value_mask;
};

DotInputs dot_inputs(std::span<const Value> values, const std::vector<std::string>& names) {
  std::vector<Value> given;
  DotInputs inputs;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string role = i < names.size() ? names[i] : "inputs";
    if (role == "query_mask")
      inputs.query_mask = as_mask(values[i]);
    else if (role == "value_mask")
      inputs.value_mask = as_mask(values[i]);
    else
      given.push_back(values[i]);
  }
  require(given.size() == 2 || given.size() == 3,
          "query and value, perhaps key, are needed, but {} inputs are given", given.size());
  inputs.query = given[0];
  inputs.value = given[1];
  inputs.key = given.back();
  for (const Value& x : given)
    require(x.rank() == 3, "inputs must be [batch, steps, features], but one is {}",
            x.type().to_string());
  return inputs;
}

/// Sums of tanh(query + key) over the features: [batch, T, S], each feature times `scale` where it
/// is defined.
Value additive_scores(Value query, Value key, Value scale) {
  Value sum = tanh(expand_dims(query, 2) + expand_dims(key, 1));
  if (scale.defined()) sum = sum * scale;
  return reduce_sum(sum, {3});
}

std::vector<Value> attend(LayerContext& context, const DotInputs& inputs, Value scores,
                          double dropout, bool causal, bool return_scores) {
  Value mask;
  if (inputs.value_mask.defined())
    mask = broadcast_to(expand_dims(inputs.value_mask, 1), scores.shape());
  if (causal)
    mask = both(mask,
                broadcast_to(causal_mask(context.builder(), scores.shape()[1], scores.shape()[2]),
                             scores.shape()));
  if (mask.defined()) scores = masked_scores(scores, mask);
  Value weights = softmax(scores);
  if (dropout > 0) weights = weights * dropout_mask(context, weights.type(), dropout);
  Value y = matmul(weights, inputs.value);
  if (inputs.query_mask.defined()) y = y * cast(expand_dims(inputs.query_mask, 2), y.dtype());
  if (return_scores) return {y, weights};
  return {y};
}

// Attention of several heads.

struct HeadInputs {
  Value query, value, key;
  Value mask;              ///< bool [batch, T, S], or 1 for T; undefined: everything is seen
  bool is_causal = false;  ///< besides
};

HeadInputs head_inputs(std::span<const Value> values, const std::vector<std::string>& names,
                       bool causal) {
  std::map<std::string, Value> given;
  require(names.size() == values.size() ||
              (names.size() < values.size() && names.size() == 2 && values.size() == 3),
          "{} inputs are given, but {} are named", values.size(), names.size());
  for (size_t i = 0; i < values.size(); ++i) given[i < names.size() ? names[i] : "key"] = values[i];
  require(given["query"].defined() && given["value"].defined(), "query and value are needed");
  HeadInputs inputs{given["query"],
                    given["value"],
                    given["key"].defined() ? given["key"] : given["value"],
                    {},
                    causal};
  const Extent queries = inputs.query.shape()[1], keys = inputs.value.shape()[1],
               batch = inputs.query.shape()[0];
  // A mask of keys alone stays small.
  const bool by_query = given["query_mask"].defined() || given["attention_mask"].defined();
  const Shape shape{batch, by_query ? queries : Extent(1), keys};
  const auto see = [&](Value mask) { inputs.mask = both(inputs.mask, broadcast_to(mask, shape)); };
  if (given["query_mask"].defined()) see(expand_dims(as_mask(given["query_mask"]), 2));
  for (const char* name : {"value_mask", "key_mask"})
    if (given[name].defined()) see(expand_dims(as_mask(given[name]), 1));
  if (given["attention_mask"].defined()) see(as_mask(given["attention_mask"]));
  return inputs;
}

/// x [batch, steps, features] to [batch, steps, heads, size].
Value to_heads(LayerContext& context, const std::string& name, Value x, int64_t heads, int64_t size,
               bool use_bias, const std::string& kernel_initializer,
               const std::string& bias_initializer) {
  LayerPart part(context, name);
  const Value kernel =
      part.parameter("kernel", Type(x.dtype(), {x.shape()[2], heads, size}), kernel_initializer);
  const Value y = dot_general(x, kernel, {.lhs_contract = {2}, .rhs_contract = {0}});
  return use_bias ? y + part.parameter("bias", Type(x.dtype(), {heads, size}), bias_initializer)
                  : y;
}

/// x [batch, steps, heads, size] to [batch, steps, out...].
Value from_heads(LayerContext& context, const std::string& name, Value x,
                 const std::vector<int64_t>& out, bool use_bias,
                 const std::string& kernel_initializer, const std::string& bias_initializer) {
  LayerPart part(context, name);
  Shape kernel_shape{x.shape()[2], x.shape()[3]}, bias_shape(out);
  for (const int64_t extent : out) kernel_shape.push_back(Extent(extent));
  const Value kernel = part.parameter("kernel", Type(x.dtype(), kernel_shape), kernel_initializer);
  const Value y = dot_general(x, kernel, {.lhs_contract = {2, 3}, .rhs_contract = {0, 1}});
  return use_bias ? y + part.parameter("bias", Type(x.dtype(), bias_shape), bias_initializer) : y;
}

/// What is added to scores [batch, heads, T, S]: the lowest number where `mask` [batch, T, S] hides
/// a key, else 0.
Value bias_of(Value mask, DType type) {
  const Value seen = expand_dims(mask, 1);
  return masked_scores(broadcast_to(mask.builder->scalar(type, 0), seen.shape()), seen);
}

/// query [batch, T, heads, size], key and value [batch, S, heads, size] to [batch, T, heads, size]
/// and, where they are wanted, the weights [batch, heads, T, S].
std::pair<Value, Value> attend_heads(LayerContext& context, const HeadInputs& call, Value query,
                                     Value key, Value value, double dropout, bool wants_weights) {
  const double scale = 1 / std::sqrt(static_cast<double>(query.shape().size(3)));
  if (!wants_weights) {
    const Value bias =
        call.mask.defined() ? bias_of(call.mask, compute_type(query.dtype())) : Value{};
    const AttentionAttributes attributes{
        .scale = scale, .is_causal = call.is_causal, .dropout = dropout};
    return {dot_product_attention(query, key, value, bias, attributes,
                                  dropout > 0 ? advancing_key(context) : Value{})
                .y,
            Value{}};
  }
  Value scores = dot_general(
      query * scale, key,
      {.lhs_contract = {3}, .rhs_contract = {3}, .lhs_batch = {0, 2}, .rhs_batch = {0, 2}});
  Value mask = call.mask;
  if (call.is_causal) {
    const Shape seen{scores.shape()[0], scores.shape()[2], scores.shape()[3]};
    mask = broadcast_to(causal_mask(context.builder(), seen[1], seen[2]), seen);
    if (call.mask.defined()) mask = logical_and(mask, broadcast_to(call.mask, seen));
  }
  if (mask.defined())
    scores = masked_scores(scores, broadcast_to(expand_dims(mask, 1), scores.shape()));
  Value weights = softmax(scores);
  Value used = dropout > 0 ? weights * dropout_mask(context, weights.type(), dropout) : weights;
  const Value y = dot_general(
      used, value,
      {.lhs_contract = {3}, .rhs_contract = {1}, .lhs_batch = {0, 1}, .rhs_batch = {0, 2}});
  return {transpose(y, {0, 2, 1, 3}), weights};
}

/// [batch, a, b, ..., features] to [batch, a * b * ..., features].
Value as_steps(Value x) {
  require(x.rank() >= 3, "inputs must be [batch, steps, features], but one is {}",
          x.type().to_string());
  return x.rank() == 3 ? x : reshape(x, {x.shape()[0], Extent(-1), x.shape()[x.rank() - 1]});
}

}  // namespace

std::vector<Value> Attention::build(LayerContext& context, std::span<const Value> values) const {
  const DotInputs call = dot_inputs(values, inputs);
  const DType type = call.query.dtype();
  Value scale, concat_weight;
  if (use_scale) scale = context.parameter("scale", Type(type, {}), "ones");
  Value scores;
  if (score_mode == "dot") {
    scores =
        dot_general(call.query, call.key,
                    {.lhs_contract = {2}, .rhs_contract = {2}, .lhs_batch = {0}, .rhs_batch = {0}});
    if (scale.defined()) scores = scores * scale;
  } else {
    require(score_mode == "concat", "score_mode must be dot or concat, but is '{}'", score_mode);
    concat_weight = context.parameter("concat_score_weight", Type(type, {}), "ones");
    Value sum = expand_dims(call.query, 2) + expand_dims(call.key, 1);
    if (scale.defined()) sum = sum * scale;
    scores = concat_weight * reduce_sum(tanh(sum), {3});
  }
  return attend(context, call, scores, dropout, use_causal_mask, return_attention_scores);
}

std::vector<Value> AdditiveAttention::build(LayerContext& context,
                                            std::span<const Value> values) const {
  const DotInputs call = dot_inputs(values, inputs);
  Value scale;
  if (use_scale)
    scale = context.parameter("scale", Type(call.query.dtype(), {call.query.shape()[2]}),
                              "glorot_uniform");
  return attend(context, call, additive_scores(call.query, call.key, scale), dropout,
                use_causal_mask, return_attention_scores);
}

std::vector<Value> MultiHeadAttention::build(LayerContext& context,
                                             std::span<const Value> values) const {
  require(num_heads > 0 && key_dim > 0, "num_heads {} and key_dim {} must be positive", num_heads,
          key_dim);
  const Value query = values[0];
  std::vector<Value> steps(values.begin(), values.end());
  if (query.rank() > 3) {
    require(std::ssize(attention_axes) == 0 || std::ssize(attention_axes) == query.rank() - 2,
            "attention over some of several axes is not known: attention_axes must name all {}",
            query.rank() - 2);
    for (Value& x : steps)
      if (x.rank() == query.rank()) x = as_steps(x);
  }
  const HeadInputs call = head_inputs(steps, inputs, use_causal_mask);
  const int64_t value_size = value_dim.value_or(key_dim);
  const auto heads = [&](const char* name, Value x, int64_t size) {
    return to_heads(context, name, x, num_heads, size, use_bias, kernel_initializer,
                    bias_initializer);
  };
  const Value q = heads("query_dense", call.query, key_dim),
              k = heads("key_dense", call.key, key_dim);
  const Value v = heads("value_dense", call.value, value_size);
  const auto [mixed, weights] =
      attend_heads(context, call, q, k, v, dropout, return_attention_scores);
  const std::vector<int64_t> out = output_shape.empty()
                                       ? std::vector<int64_t>{query.shape().size(query.rank() - 1)}
                                       : output_shape;
  Value y = from_heads(context, "output_dense", mixed, out, use_bias, kernel_initializer,
                       bias_initializer);
  if (query.rank() > 3) {
    Shape shape;
    for (int64_t axis = 0; axis + 1 < query.rank(); ++axis) shape.push_back(query.shape()[axis]);
    for (const int64_t extent : out) shape.push_back(Extent(extent));
    y = reshape(y, shape);
  }
  if (return_attention_scores) return {y, weights};
  return {y};
}

std::vector<Value> GroupQueryAttention::build(LayerContext& context,
                                              std::span<const Value> values) const {
  require(head_dim > 0 && num_key_value_heads > 0 && num_query_heads % num_key_value_heads == 0,
          "num_query_heads {} must be a multiple of num_key_value_heads {}", num_query_heads,
          num_key_value_heads);
  const HeadInputs call = head_inputs(values, inputs, use_causal_mask);
  const auto heads = [&](const char* name, Value x, int64_t count) {
    return to_heads(context, name, x, count, head_dim, use_bias, kernel_initializer,
                    bias_initializer);
  };
  const Value q = heads("_query_dense", call.query, num_query_heads);
  const int64_t times = num_query_heads / num_key_value_heads;
  const auto repeated = [&](Value x) {  // each head `times` times in a row
    const Shape& shape = x.shape();
    return reshape(broadcast(x, {shape[0], shape[1], shape[2], times, shape[3]}, {0, 1, 2, 4}),
                   {shape[0], shape[1], num_query_heads, shape[3]});
  };
  const Value k = repeated(heads("_key_dense", call.key, num_key_value_heads));
  const Value v = repeated(heads("_value_dense", call.value, num_key_value_heads));
  const auto [mixed, weights] =
      attend_heads(context, call, q, k, v, dropout, return_attention_scores);
  const Value y = from_heads(context, "_output_dense", mixed, {call.query.shape().size(2)},
                             use_bias, kernel_initializer, bias_initializer);
  if (return_attention_scores) return {y, weights};
  return {y};
}

}  // namespace brisk
