#include "brisk/base/error.h"
#include "brisk/ops/composite/attention_scores.h"
#include "brisk/ops/composite/composite_ops.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

// Attention's own gradient is an op as well, so that a kernel may compute it without ever holding
// the scores. It is for the common case; a gradient at the bias or at the statistics is written in
// plain ops.

namespace brisk {
namespace {

constexpr std::string_view kName = "dot_product_attention";
enum Operand : size_t { kQuery, kKey, kValue, kBias };

/// Bias and random key come last, each where it is given; the key where the rate says so.
struct Optional {
  Value bias, random_key;
};
Optional optional_of(std::span<const Value> operands, const AttentionAttributes& attributes) {
  Optional optional;
  size_t next = kBias;
  if (operands.size() - next == (attributes.dropout > 0 ? 2u : 1u))
    optional.bias = operands[next++];
  if (attributes.dropout > 0) optional.random_key = operands[next];
  return optional;
}

std::vector<Type> infer(const InferContext& context) {
  const AttentionShape shape = attention_shape(context, kName);
  const DType type = context.tensor(kQuery).dtype;
  const double rate = context.as<AttentionAttributes>().dropout;
  require(rate >= 0 && rate < 1, "[{}] dropout {} is not in [0, 1)", kName, rate);
  size_t given = context.operands.size();
  if (rate > 0) {
    require(given > kBias && context.operands[given - 1] == Type(DType::u32, {2}),
            "[{}] dropout needs a key u32[2] as its last operand", kName);
    --given;
  }
  require(given <= kBias + 1,
          "[{}] takes a bias besides query, key and value, but gets {} operands", kName, given);
  if (given > kBias) check_attention_bias(context.operands[kBias], shape, type, kName);
  return {Type(type, shape.result()), Type(compute_type(type), shape.statistics())};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<AttentionAttributes>();
  const Value &query = context.in(kQuery), &value = context.in(kValue);
  const auto [bias, random_key] = optional_of(context.operands, attributes);
  const Value scores = attention_scores(query, context.in(kKey), bias, attributes);
  Value weights = softmax(scores);
  if (random_key.defined())
    weights =
        dropout(weights, random_key, {.rate = attributes.dropout, .training = attributes.training});
  const Value y = dot_general(
      cast(weights, query.dtype()), value,
      {.lhs_contract = {3}, .rhs_contract = {1}, .lhs_batch = {0, 1}, .rhs_batch = {0, 2}});
  return {transpose(y, {0, 2, 1, 3}), log_sum_exp(scores)};
}

/// The sum of `gradient` over the axes along which `bias` was broadcast.
Value sum_to(Value gradient, const Value& bias) {
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < 4; ++axis)
    if (bias.shape()[axis] == Extent(1) && gradient.shape()[axis] != Extent(1))
      axes.push_back(axis);
  return cast(axes.empty() ? gradient : reduce_sum(gradient, axes, true), bias.dtype());
}

/// `bias` as kernels of the gradient take it: each query's own.
Value for_each_query(const Value& bias, const Value& query) {
  if (!bias.defined() || bias.shape()[2] == query.shape()[1]) return bias;
  Shape shape = bias.shape();
  shape[2] = query.shape()[1];
  return broadcast_to(bias, shape);
}

std::vector<Value> vjp(const Vjp& d) {
  const auto& attributes = d.as<AttentionAttributes>();
  const Value &query = d.in(kQuery), &key = d.in(kKey), &value = d.in(kValue);
  const auto [bias, random_key] = optional_of(d.operands, attributes);
  const Value dy = d.grad(0);
  const AttentionResult result{d.out(0), d.out(1)};
  const bool needs_bias = bias.defined() && d.needs(kBias);
  const bool drops = random_key.defined() && attributes.training;
  AttentionGradient gradient;
  std::vector<Value> gradients(d.operands.size());
  if (!d.has_grad(1) && !needs_bias && !drops) {
    gradient = dot_product_attention_gradient(
        query, key, value, for_each_query(bias, query), result, dy,
        {.scale = attributes.scale, .is_causal = attributes.is_causal});
  } else {
    const AttentionParts parts =
        attention_parts(query, key, value, result, dy,
                        {bias, random_key, d.has_grad(1) ? d.grad(1) : Value{}}, attributes);
    gradient = attention_gradient(parts, query, key, dy, attributes);
    if (needs_bias) gradients[kBias] = sum_to(parts.score_gradient, bias);
  }
  gradients[kQuery] = gradient.query;
  gradients[kKey] = gradient.key;
  gradients[kValue] = gradient.value;
  return gradients;
}

}  // namespace

Op dot_product_attention_op() {
  return Op{.name = std::string(kName), .kind = OpKind::composite}
      .doc(
          "softmax(scale * query key^T + bias) value for each head of query, key and value "
          "[batch, steps, heads, size], and the logarithm of the softmax's sum; a bias and a key "
          "for "
          "dropout of the weights are optional.")
      .operands(3, 5)
      .attributes<AttentionAttributes>()
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose);
}

AttentionResult dot_product_attention(Value query, Value key, Value value, Value bias,
                                      AttentionAttributes attributes, Value random_key) {
  std::vector<Value> operands = {query, key, value};
  for (const Value& optional : {bias, random_key})
    if (optional.defined()) operands.push_back(optional);
  const auto results = query.builder->emit(kName, operands, attributes);
  return {results[0], results[1]};
}

}  // namespace brisk
