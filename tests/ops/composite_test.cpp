#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "brisk/autodiff/gradient.h"
#include "brisk/backends/reference/evaluate.h"
#include "brisk/base/error.h"
#include "brisk/ir/program.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using AlongAxis = Value (*)(Value, int64_t);

std::vector<OpCase> along_axis_cases(std::string op, AlongAxis apply) {
  std::vector<OpCase> cases;
  for (const auto& [sizes, axis] :
       {std::pair<std::vector<int64_t>, int64_t>{{4, 7}, -1}, {{4, 7}, 0}, {{2, 3, 5}, 1},
        {{3, 1}, 1}, {{9}, 0}, {{2, 130}, 1}})
    cases.push_back({.op = op,
                     .name = fmt::format("{}_axis{}", shape_name(sizes), axis < 0 ? "_last" : std::to_string(axis)),
                     .operands = {values(sizes).between(-5, 5)},
                     .build =
                         [apply, axis = axis](Builder&, std::span<const Value> in) {
                           return std::vector{apply(in[0], axis)};
                         },
                     .types = kFloatTypes,
                     .roundings = 4});
  return cases;
}

OP_CASE_SUITE(Softmax, along_axis_cases("softmax", softmax));
OP_CASE_SUITE(LogSoftmax, along_axis_cases("log_softmax", log_softmax));
OP_CASE_SUITE(LogSumExp, along_axis_cases("log_sum_exp", [](Value x, int64_t axis) {
                return log_sum_exp(x, axis);
              }));

std::vector<OpCase> sparse_cross_entropy_cases() {
  std::vector<OpCase> cases;
  for (const DType labels : {DType::i32, DType::i64, DType::u8})
    for (const double smoothing : {0.0, 0.1})
      for (const auto& rows : {std::vector<int64_t>{5}, {2, 3}, {}}) {
        std::vector<int64_t> logits = rows;
        logits.push_back(6);
        cases.push_back({.op = "sparse_softmax_cross_entropy",
                         .name = fmt::format("{}_{}_smoothing{}", shape_name(logits), name(labels),
                                             smoothing == 0 ? 0 : 10),
                         .operands = {values(logits).between(-5, 5), positions(rows, 6, labels)},
                         .build =
                             [smoothing](Builder&, std::span<const Value> in) {
                               return std::vector{
                                   sparse_softmax_cross_entropy(in[0], in[1], smoothing)};
                             },
                         .types = kFloatTypes,
                         .roundings = 4});
      }
  return cases;
}

std::vector<OpCase> cross_entropy_cases() {
  std::vector<OpCase> cases;
  for (const double smoothing : {0.0, 0.1})
    for (const auto& sizes : {std::vector<int64_t>{5, 6}, {2, 3, 4}, {7}})
      cases.push_back({.op = "softmax_cross_entropy",
                       .name = fmt::format("{}_smoothing{}", shape_name(sizes), smoothing == 0 ? 0 : 10),
                       .operands = {values(sizes).between(-5, 5), values(sizes).between(0, 1)},
                       .build =
                           [smoothing](Builder&, std::span<const Value> in) {
                             return std::vector{softmax_cross_entropy(in[0], in[1], smoothing)};
                           },
                       .types = kFloatTypes,
                       .roundings = 4});
  return cases;
}

OP_CASE_SUITE(SparseSoftmaxCrossEntropy, sparse_cross_entropy_cases());
OP_CASE_SUITE(SoftmaxCrossEntropy, cross_entropy_cases());

std::vector<OpCase> batch_norm_cases() {
  std::vector<OpCase> cases;
  for (const bool training : {false, true})
    for (const auto& sizes : {std::vector<int64_t>{2, 3, 4, 5}, {7, 3}, {2, 6, 1}}) {
      const std::vector<int64_t> channels = {sizes.back()};
      // The statistics are f32 beside short floats, so the types of a case are those that have
      // statistics of their own type.
      cases.push_back(
          {.op = "batch_norm",
           .name = shape_name(sizes) + (training ? "_training" : "_inference"),
           .operands = {values(sizes).between(-1, 3), values(channels), values(channels),
                        values(channels).not_differentiated(),
                        values(channels).between(0.3, 2).not_differentiated()},
           .build =
               [training](Builder&, std::span<const Value> in) {
                 const BatchNorm y = batch_norm(in[0], in[1], in[2], in[3], in[4],
                                                {.momentum = 0.9, .training = training});
                 return std::vector{y.y, y.moving_mean, y.moving_variance};
               },
           .types = {DType::f64, DType::f32},
           .roundings = 8});
    }
  OpCase mixed = cases[3];
  mixed.name = "short_with_f32_parameters";
  for (size_t i = 1; i < 5; ++i) mixed.operands[i].type = DType::f32;
  mixed.types = {DType::bf16, DType::f16};
  cases.push_back(mixed);
  return cases;
}

OP_CASE_SUITE(BatchNorm, batch_norm_cases());

std::vector<OpCase> layer_norm_cases() {
  std::vector<OpCase> cases;
  for (const auto& [sizes, axes] :
       {std::pair<std::vector<int64_t>, std::vector<int64_t>>{{4, 6}, {-1}}, {{2, 3, 4}, {2}},
        {{2, 3, 4}, {1, 2}}, {{2, 3, 4}, {0, 2}}, {{5, 3}, {0}}, {{6}, {0}}, {{2, 3}, {1, 0}}}) {
    std::vector<int64_t> scale;
    for (size_t axis = 0; axis < sizes.size(); ++axis)
      for (const int64_t a : axes)
        if (normalize_axis(a, std::ssize(sizes), "axis") == static_cast<int64_t>(axis))
          scale.push_back(sizes[axis]);
    cases.push_back({.op = "layer_norm",
                     .name = fmt::format("{}_over{}", shape_name(sizes), axes[0] < 0 ? std::string("_last") : fmt::format("{}", fmt::join(axes, "and"))),
                     .operands = {values(sizes).between(-1, 3), values(scale), values(scale)},
                     .build =
                         [axes = axes](Builder&, std::span<const Value> in) {
                           return std::vector{layer_norm(in[0], in[1], in[2], axes, 1e-3)};
                         },
                     .types = kFloatTypes,
                     .roundings = 8});
  }
  return cases;
}

OP_CASE_SUITE(LayerNorm, layer_norm_cases());

std::vector<OpCase> dropout_cases() {
  std::vector<OpCase> cases;
  for (const auto& [name, rate, training] :
       {std::tuple("half", 0.5, true), std::tuple("tenth", 0.1, true), std::tuple("none", 0.0, true),
        std::tuple("all", 1.0, true), std::tuple("inference", 0.5, false)})
    cases.push_back({.op = "dropout",
                     .name = name,
                     .operands = {values({3, 37}), random_key()},
                     .build =
                         [rate = rate, training = training](Builder&, std::span<const Value> in) {
                           return std::vector{dropout(in[0], in[1], {rate, training})};
                         },
                     .types = kFloatTypes});
  return cases;
}

OP_CASE_SUITE(Dropout, dropout_cases());

OpCase embedding_case(std::string name, std::vector<int64_t> indices, DType type) {
  return {.op = "embedding",
          .name = std::move(name),
          .operands = {values({7, 3}), positions(std::move(indices), 7, type)},
          .build =
              [](Builder&, std::span<const Value> in) { return std::vector{embedding(in[0], in[1])}; },
          .types = kFloatTypes};
}

OP_CASE_SUITE(Embedding, {embedding_case("rows", {5}, DType::i32),
                          embedding_case("sentences", {2, 9}, DType::i64),
                          embedding_case("one", {}, DType::i32)});

std::vector<double> evaluated(Builder& builder, Value value, const std::vector<Tensor>& inputs) {
  const Tensor found = reference::evaluate(builder.finish({{"result", value}}), inputs)[0];
  std::vector<double> elements;
  for (int64_t i = 0; i < found.num_elements(); ++i) elements.push_back(found.get(i));
  return elements;
}

TEST(Softmax, OfLargeLogitsDoesNotOverflow) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {3}));
  const Tensor values = Tensor::of<float>({3}, std::vector<float>{1e4f, 1e4f, -1e4f});
  EXPECT_EQ(evaluated(builder, softmax(x), {values}), (std::vector<double>{0.5, 0.5, 0}));
}

TEST(LogSumExp, OfInfinities) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f64, {3, 2}));
  const Tensor values = Tensor::of<double>(
      {3, 2}, std::vector<double>{-kInfinity, -kInfinity, kInfinity, 1, -kInfinity, 2});
  EXPECT_EQ(evaluated(builder, log_sum_exp(x), {values}),
            (std::vector<double>{-kInfinity, kInfinity, 2}));
}

TEST(SparseSoftmaxCrossEntropy, OfALabelOutsideIsNaNAndSoIsItsGradient) {
  Builder builder(standard_ops());
  const Value logits = builder.input("logits", Type(DType::f32, {3, 2}));
  const Value labels = builder.input("labels", Type(DType::i32, {3}));
  const Value loss = sparse_softmax_cross_entropy(logits, labels);
  const Value d = vector_jacobian_product({&loss, 1}, std::vector{loss * 0.0 + 1.0}, {&logits, 1})[0];
  const Graph graph = builder.finish({{"loss", loss}, {"d", d}});
  const auto found = reference::evaluate(
      graph, std::vector{Tensor::zeros(DType::f32, {3, 2}),
                         Tensor::of<int32_t>({3}, std::vector<int32_t>{-1, 1, 2})});
  EXPECT_TRUE(std::isnan(found[0].get(0)));
  EXPECT_NEAR(found[0].get(1), std::log(2), 1e-6);
  EXPECT_TRUE(std::isnan(found[0].get(2)));
  EXPECT_TRUE(std::isnan(found[1].get(0)));
  EXPECT_NEAR(found[1].get(3), -0.5, 1e-6);
  EXPECT_TRUE(std::isnan(found[1].get(4)));
}

TEST(SparseSoftmaxCrossEntropy, CountsMoreClassesThanALabelsTypeHolds) {
  Builder builder(standard_ops());
  const Value logits = builder.input("logits", Type(DType::f32, {1, 300}));
  const Value labels = builder.input("labels", Type(DType::u8, {1}));
  Tensor values = Tensor::zeros(DType::f32, {1, 300});
  values.set(5, 20);
  values.set(261, 20);  // 5 + 256: another class
  const auto loss = evaluated(builder, sparse_softmax_cross_entropy(logits, labels),
                              {values, Tensor::of<uint8_t>({1}, std::vector<uint8_t>{5})});
  EXPECT_NEAR(loss[0], std::log(2), 1e-5);
}

TEST(BatchNorm, KeepsItsPrecisionBesideALargeMean) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {4, 1}));
  const auto channel = [&](double value) {
    return builder.constant(Tensor::of<float>({1}, std::vector<float>{static_cast<float>(value)}));
  };
  const BatchNorm y = batch_norm(x, channel(1), channel(0), channel(0), channel(0),
                                 {.momentum = 0, .epsilon = 0, .training = true});
  const Tensor values = Tensor::of<float>({4, 1}, std::vector<float>{4096, 4097, 4098, 4099});
  const Graph graph = builder.finish({{"y", y.y}, {"variance", y.moving_variance}});
  const auto found = reference::evaluate(graph, {&values, 1});
  EXPECT_EQ(found[1].item(), 1.25);
  EXPECT_NEAR(found[0].get(0), -1.5 / std::sqrt(1.25), 1e-6);
}

TEST(BatchNorm, KeepsANamedBatch) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {Extent("batch"), 4, 4, 2}));
  const auto channel = [&](const char* name) { return builder.input(name, Type(DType::f32, {2})); };
  const Value gamma = channel("gamma");
  const BatchNorm y = batch_norm(x, gamma, channel("beta"), channel("mean"), channel("variance"),
                                 {.training = true});
  const std::vector<Value> wrt = {x, gamma};
  const auto d = vector_jacobian_product({&y.y, 1}, {&x, 1}, wrt);
  EXPECT_EQ(d[0].type(), x.type());
  const Graph bound = bind_dimensions(builder.finish({{"x", d[0]}, {"gamma", d[1]}}), {{"batch", 3}});
  verify(bound);
}

TEST(Dropout, DropsAboutItsRateAndKeepsTheMean) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {100, 100}));
  const Value key = builder.input("key", Type(DType::u32, {2}));
  Tensor ones(DType::f32, {100, 100});
  for (int64_t i = 0; i < ones.num_elements(); ++i) ones.set(i, 1);
  const auto found = evaluated(builder, dropout(x, key, {.rate = 0.25, .training = true}),
                               {ones, Tensor::of<uint32_t>({2}, std::vector<uint32_t>{7, 9})});
  const auto dropped = static_cast<double>(std::count(found.begin(), found.end(), 0.0));
  EXPECT_NEAR(dropped, 2500, 200);  // more than four standard deviations
  for (const double value : found) EXPECT_TRUE(value == 0 || std::abs(value - 4.0 / 3) < 1e-6);
}

TEST(CompositeRefusals, NameWhatDoesNotFit) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {4, 3}));
  const Value n = builder.input("n", Type(DType::i32, {4, 3}));
  const Value c = builder.input("c", Type(DType::f32, {3}));
  const Value half = builder.input("half", Type(DType::bf16, {4, 3}));
  const Value half_c = builder.input("half_c", Type(DType::bf16, {3}));
  EXPECT_EQ(refusal([&] { softmax(n); }), "[softmax] takes floating values, not i32");
  EXPECT_NE(refusal([&] { softmax(x, 2); }).find("[softmax] axis"), std::string::npos);
  EXPECT_EQ(refusal([&] { sparse_softmax_cross_entropy(x, n); }),
            "[sparse_softmax_cross_entropy] logits [4, 3] need labels [4], not [4, 3]");
  EXPECT_EQ(refusal([&] { softmax_cross_entropy(x, x, 1.5); }),
            "[softmax_cross_entropy] label_smoothing 1.5 is not in [0, 1]");
  EXPECT_EQ(refusal([&] { batch_norm(half, c, c, half_c, c, {}); }),
            "[batch_norm] x bf16[4, 3] needs a moving_mean f32[3], not bf16[3]");
  EXPECT_EQ(refusal([&] { layer_norm(x, c, x, {-1}, 1e-3); }),
            "[layer_norm] axes [1] of [4, 3] need a floating beta [3], not f32[4, 3]");
  EXPECT_EQ(refusal([&] { dropout(x, c, {}); }), "[dropout] the key is u32[2], but f32[3] is given");
  EXPECT_EQ(refusal([&] { embedding(c, n); }),
            "[embedding] the table must be [vocabulary, dim], but is f32[3]");
}

}  // namespace
}  // namespace brisk::testing
