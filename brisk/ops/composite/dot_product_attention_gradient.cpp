#include "brisk/base/error.h"
#include "brisk/ops/composite/attention_scores.h"
#include "brisk/ops/composite/composite_ops.h"

namespace brisk {
namespace {

constexpr std::string_view kName = "dot_product_attention_gradient";
enum Operand : size_t { kQuery, kKey, kValue, kResult, kStatistics, kDy, kBias };

std::vector<Type> infer(const InferContext& context) {
  const AttentionShape shape = attention_shape(context, kName);
  const DType type = context.tensor(kQuery).dtype;
  const Type result(type, shape.result()), statistics(compute_type(type), shape.statistics());
  for (const auto& [what, i, expected] : {std::tuple("result", kResult, &result),
                                          {"statistics", kStatistics, &statistics},
                                          {"gradient", kDy, &result}})
    require(context.operands[i] == *expected, "[{}] the {} must be {}, but is {}", kName, what,
            expected->to_string(), context.operands[i].to_string());
  if (context.operands.size() > kBias)
    check_attention_bias(context.operands[kBias], shape, type, kName);
  return {context.operands[kQuery], context.operands[kKey], context.operands[kValue]};
}

// No gradient rule: that of the decomposition serves.
std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& own = context.as<AttentionGradientAttributes>();
  const AttentionAttributes attributes{.scale = own.scale, .is_causal = own.is_causal};
  const Value &query = context.in(kQuery), &key = context.in(kKey), &dy = context.in(kDy);
  const Value bias = context.operands.size() > kBias ? context.in(kBias) : Value{};
  const AttentionParts parts = attention_parts(query, key, context.in(kValue),
                                               {context.in(kResult), context.in(kStatistics)}, dy,
                                               {.bias = bias}, attributes);
  const AttentionGradient gradient = attention_gradient(parts, query, key, dy, attributes);
  return {gradient.query, gradient.key, gradient.value};
}

}  // namespace

Op dot_product_attention_gradient_op() {
  return Op{.name = std::string(kName), .kind = OpKind::composite}
      .doc(
          "Gradients of dot_product_attention at query, key and value, from them, its results and "
          "the gradient at the first result; the bias, where there is one, comes last.")
      .operands(6, 7)
      .attributes<AttentionGradientAttributes>()
      .infer(infer)
      .decompose(decompose);
}

AttentionGradient dot_product_attention_gradient(Value query, Value key, Value value, Value bias,
                                                 AttentionResult result, Value dy,
                                                 AttentionGradientAttributes attributes) {
  std::vector<Value> operands = {query, key, value, result.y, result.statistics, dy};
  if (bias.defined()) operands.push_back(bias);
  const auto results = query.builder->emit(kName, operands, attributes);
  return {results[0], results[1], results[2]};
}

}  // namespace brisk
