// Composite ops: decomposed they round several times in short floats, hence `roundings`.

#include "brisk/ops/composite/composite.h"

#include "brisk/ops/elementwise/elementwise.h"
#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

using Sizes = std::vector<int64_t>;

void add_softmaxes(std::vector<OpCase>& cases) {
  struct Row {
    Sizes sizes;
    int64_t axis;
  };
  for (const auto& [sizes, axis] :
       {Row{{3, 65}, -1}, Row{{3, 65}, 0}, Row{{2, 1025}, -1}, Row{{2, 3, 5}, 1}, Row{{7}, 0},
        Row{{3, 1}, 1}, Row{{0, 3}, 1}}) {
    const std::string name =
        fmt::format("{}_axis{}", shape_name(sizes), axis < 0 ? std::ssize(sizes) + axis : axis);
    const auto add = [&](std::string op, std::string detail, std::function<Value(Value)> apply) {
      cases.push_back(
          {.op = std::move(op),
           .name = name + detail,
           .operands = {values(sizes).between(-5, 5)},
           .build = [apply](Builder&,
                            std::span<const Value> in) { return std::vector{apply(in[0])}; },
           .types = kFloatTypes,
           .roundings = 4});
    };
    const int64_t along = axis;
    add("softmax", "", [=](Value x) { return softmax(x, along); });
    add("log_softmax", "", [=](Value x) { return log_softmax(x, along); });
    add("log_sum_exp", "", [=](Value x) { return log_sum_exp(x, along); });
    add("log_sum_exp", "_kept", [=](Value x) { return log_sum_exp(x, along, true); });
  }
}

void add_cross_entropies(std::vector<OpCase>& cases) {
  struct Row {
    Sizes rows;
    int64_t classes;
  };
  for (const auto& [rows, classes] : {Row{{7}, 10}, Row{{2, 3}, 65}, Row{{}, 3}, Row{{0}, 4}}) {
    Sizes logits = rows;
    logits.push_back(classes);
    for (const double smoothing : {0.0, 0.1}) {
      const std::string name = shape_name(logits) + (smoothing > 0 ? "_smoothed" : "");
      cases.push_back({.op = "sparse_softmax_cross_entropy",
                       .name = name,
                       .operands = {values(logits).between(-5, 5), positions(rows, classes)},
                       .build =
                           [=](Builder&, std::span<const Value> in) {
                             return std::vector{
                                 sparse_softmax_cross_entropy(in[0], in[1], smoothing)};
                           },
                       .types = kFloatTypes,
                       .roundings = 4});
      cases.push_back({.op = "softmax_cross_entropy",
                       .name = name,
                       .operands = {values(logits).between(-5, 5), values(logits).between(0, 1)},
                       .build =
                           [=](Builder&, std::span<const Value> in) {
                             return std::vector{softmax_cross_entropy(in[0], in[1], smoothing)};
                           },
                       .types = kFloatTypes,
                       .roundings = 4});
    }
  }
}

/// The statistics of short floats are f32: they are cast from operands of the case's type.
Value statistic(Value x) {
  return cast(x, compute_type(x.dtype()));
}

void add_normalisations(std::vector<OpCase>& cases) {
  for (const Sizes& sizes : {Sizes{7, 5}, Sizes{4, 3, 3, 17}, Sizes{2, 65}, Sizes{0, 3}}) {
    const Sizes channels = {sizes.back()};
    const bool plain = sizes.size() == 2;
    const double momentum = plain ? 0.9 : 0.6, epsilon = plain ? 1e-2 : 1e-1;
    for (const bool training : {true, false}) {
      // No element, no mean: training on an empty batch has no meaning to test.
      if (training && sizes.front() == 0) continue;
      cases.push_back(
          {.op = "batch_norm",
           .name = shape_name(sizes) + (training ? "_training" : ""),
           .operands = {values(sizes), values(channels), values(channels),
                        values(channels).not_differentiated(),
                        values(channels).between(0.5, 2).not_differentiated()},
           .build =
               [=](Builder&, std::span<const Value> in) {
                 const BatchNorm result =
                     batch_norm(in[0], in[1], in[2], statistic(in[3]), statistic(in[4]),
                                {.momentum = momentum, .epsilon = epsilon, .training = training});
                 return training ? std::vector{result.y, result.moving_mean, result.moving_variance}
                                 : std::vector{result.y};
               },
           .types = kFloatTypes,
           .roundings = 4,
           // No gradient flows out of the moving statistics: finite differences would see one.
           .check_gradient = !training});
      if (training)
        cases.push_back(
            {.op = "batch_norm",
             .name = shape_name(sizes) + "_training_result",
             .operands = {values(sizes), values(channels), values(channels),
                          values(channels).not_differentiated(),
                          values(channels).between(0.5, 2).not_differentiated()},
             .build =
                 [=](Builder&, std::span<const Value> in) {
                   return std::vector{
                       batch_norm(in[0], in[1], in[2], statistic(in[3]), statistic(in[4]),
                                  {.momentum = momentum, .epsilon = epsilon, .training = true})
                           .y};
                 },
             .types = {DType::f64, DType::f32},
             .roundings = 4});
    }
  }
  struct Row {
    Sizes sizes, axes;
  };
  for (const auto& [sizes, axes] :
       {Row{{3, 65}, {1}}, Row{{2, 3, 5}, {1, 2}}, Row{{2, 3, 33}, {2}}, Row{{0, 3}, {1}}}) {
    const Sizes scales(sizes.begin() + axes.front(), sizes.end());
    cases.push_back({.op = "layer_norm",
                     .name = fmt::format("{}_over{}", shape_name(sizes), fmt::join(axes, "and")),
                     .operands = {values(sizes), values(scales), values(scales)},
                     .build =
                         [=, normalised = axes](Builder&, std::span<const Value> in) {
                           const double epsilon = normalised.size() == 1 ? 1e-2 : 1e-1;
                           return std::vector{layer_norm(in[0], in[1], in[2], normalised, epsilon)};
                         },
                     .types = kFloatTypes,
                     .roundings = 4});
  }
}

void add_dropouts(std::vector<OpCase>& cases) {
  for (const Sizes& sizes : {Sizes{3, 65}, Sizes{}, Sizes{0, 3}})
    for (const bool training : {true, false})
      cases.push_back(
          {.op = "dropout",
           .name = shape_name(sizes) + (training ? "_training" : ""),
           .operands = {values(sizes), random_key()},
           .build =
               [=](Builder&, std::span<const Value> in) {
                 return std::vector{dropout(
                     in[0], in[1], {.rate = sizes.empty() ? 0.6 : 0.3, .training = training})};
               },
           .types = kFloatTypes,
           .roundings = 2});
}

void add_embeddings(std::vector<OpCase>& cases) {
  for (const Sizes& sizes : {Sizes{7}, Sizes{2, 3}, Sizes{}, Sizes{0}})
    cases.push_back(
        {.op = "embedding",
         .name = shape_name(sizes),
         .operands = {values({11, 17}), positions(sizes, 11)},
         .build = [](Builder&,
                     std::span<const Value> in) { return std::vector{embedding(in[0], in[1])}; },
         .types = kFloatTypes});
}

/// The size 8 is one that kernels of whole attention take, 5 is none.
void add_attentions(std::vector<OpCase>& cases) {
  struct Row {
    std::string name;
    int64_t queries, keys, size, value_size;
    Sizes bias;
    bool is_causal;
  };
  for (const Row& row :
       {Row{"plain", 5, 7, 8, 16, {}, false}, Row{"causal", 9, 9, 8, 8, {}, true},
        Row{"few_keys_causal", 7, 3, 5, 2, {}, true}, Row{"bias", 5, 7, 8, 8, {2, 3, 5, 7}, false},
        Row{"bias_a_key", 5, 7, 8, 8, {2, 1, 1, 7}, false},
        Row{"one_bias_causal", 6, 6, 5, 5, {1, 1, 6, 6}, true},
        Row{"one_query", 1, 7, 8, 8, {}, false}, Row{"no_query", 0, 7, 8, 8, {}, false}}) {
    const auto tensor = [](int64_t steps, int64_t size) { return values({2, steps, 3, size}); };
    const AttentionAttributes attributes{.scale = row.is_causal ? 0.3 : 0.4,
                                         .is_causal = row.is_causal};
    std::vector<CaseOperand> operands = {tensor(row.queries, row.size), tensor(row.keys, row.size),
                                         tensor(row.keys, row.value_size)};
    const bool biased = !row.bias.empty();
    if (biased) operands.push_back(values(row.bias));
    const auto attend = [=](std::span<const Value> in) {
      return dot_product_attention(in[0], in[1], in[2], biased ? in[3] : Value{}, attributes);
    };
    OpCase result{
        .op = "dot_product_attention",
        .name = row.name,
        .operands = operands,
        .build = [=](Builder&, std::span<const Value> in) { return std::vector{attend(in).y}; },
        .types = kFloatTypes,
        .roundings = 8};
    OpCase both = result;
    both.name += "_statistics";
    both.types = {DType::f64, DType::f32};  // those of short floats are no shorter than f32
    both.build = [=](Builder&, std::span<const Value> in) {
      const AttentionResult attention = attend(in);
      return std::vector{attention.y, attention.statistics};
    };
    if (biased) result.operands.back().differentiated = false;
    OpCase gradient = result;
    gradient.op = "dot_product_attention_gradient";
    gradient.operands.push_back(tensor(row.queries, row.value_size));
    gradient.build = [=](Builder&, std::span<const Value> in) {
      const AttentionGradient at =
          dot_product_attention_gradient(in[0], in[1], in[2], biased ? in[3] : Value{}, attend(in),
                                         in.back(), {attributes.scale, attributes.is_causal});
      return std::vector{at.query, at.key, at.value};
    };
    for (const OpCase& each : {result, both, gradient}) cases.push_back(each);
  }
  for (const bool training : {true, false})
    cases.push_back({.op = "dot_product_attention",
                     .name = training ? "dropout_training" : "dropout",
                     .operands = {values({2, 5, 3, 8}), values({2, 7, 3, 8}), values({2, 7, 3, 8}),
                                  values({2, 3, 5, 7}), random_key()},
                     .build =
                         [=](Builder&, std::span<const Value> in) {
                           return std::vector{
                               dot_product_attention(
                                   in[0], in[1], in[2], in[3],
                                   {.scale = 0.4, .dropout = 0.3, .training = training}, in[4])
                                   .y};
                         },
                     .types = kFloatTypes,
                     .roundings = 8});
}

}  // namespace

std::vector<OpCase> composite_cases() {
  std::vector<OpCase> cases;
  for (const auto add : {add_softmaxes, add_cross_entropies, add_normalisations, add_dropouts,
                         add_embeddings, add_attentions})
    add(cases);
  return cases;
}

}  // namespace brisk::testing
