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

// Cases beside those of tests/support/composite_cases.cpp.

std::vector<OpCase> cross_entropy_cases() {
  std::vector<OpCase> cases;
  for (const DType type : {DType::i64, DType::u8, DType::u32})
    cases.push_back({.op = "sparse_softmax_cross_entropy",
                     .name = fmt::format("labels_{}", name(type)),
                     .operands = {values({5, 6}).between(-5, 5), positions({5}, 6, type)},
                     .build =
                         [](Builder&, std::span<const Value> in) {
                           return std::vector{sparse_softmax_cross_entropy(in[0], in[1], 0.1)};
                         },
                     .types = kFloatTypes,
                     .roundings = 4});
  return cases;
}

OP_CASE_SUITE(SparseSoftmaxCrossEntropy, cross_entropy_cases());

OpCase layer_norm_case(std::string name, std::vector<int64_t> axes, std::vector<int64_t> scale) {
  return {.op = "layer_norm",
          .name = std::move(name),
          .operands = {values({2, 3, 4}).between(-1, 3), values(scale), values(scale)},
          .build =
              [axes](Builder&, std::span<const Value> in) {
                return std::vector{layer_norm(in[0], in[1], in[2], axes, 1e-3)};
              },
          .types = kFloatTypes,
          .roundings = 8};
}

OP_CASE_SUITE(LayerNorm, {layer_norm_case("first_axis", {0}, {2}),
                          layer_norm_case("axes_apart", {2, 0}, {2, 4}),
                          layer_norm_case("all_axes", {0, 1, 2}, {2, 3, 4})});

OpCase mixed_batch_norm(bool training) {
  const auto channel = values({5}).between(0.3, 2);
  OpCase mixed{
      .op = "batch_norm",
      .name = training ? "training" : "inference",
      .operands = {values({2, 3, 4, 5}).between(-1, 3), channel, channel, channel, channel},
      .build =
          [training](Builder&, std::span<const Value> in) {
            return std::vector{batch_norm(in[0], in[1], in[2], in[3], in[4],
                                          {.momentum = 0.9, .training = training})
                                   .y};
          },
      .types = {DType::bf16, DType::f16},
      .roundings = 8};
  for (size_t i = 1; i < 5; ++i) mixed.operands[i].type = DType::f32;
  return mixed;
}

OP_CASE_SUITE(BatchNormWithF32Parameters, {mixed_batch_norm(true), mixed_batch_norm(false)});

OpCase dropout_case(std::string name, double rate) {
  return {.op = "dropout",
          .name = std::move(name),
          .operands = {values({3, 37}), random_key()},
          .build =
              [rate](Builder&, std::span<const Value> in) {
                return std::vector{dropout(in[0], in[1], {.rate = rate, .training = true})};
              },
          .types = kFloatTypes,
          .roundings = 2};
}

OP_CASE_SUITE(Dropout, {dropout_case("nothing", 0), dropout_case("everything", 1)});

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
  const Value d =
      vector_jacobian_product({&loss, 1}, std::vector{loss * 0.0 + 1.0}, {&logits, 1})[0];
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
  const Graph bound =
      bind_dimensions(builder.finish({{"x", d[0]}, {"gamma", d[1]}}), {{"batch", 3}});
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
  EXPECT_EQ(refusal([&] { dropout(x, c, {}); }),
            "[dropout] the key is u32[2], but f32[3] is given");
  EXPECT_EQ(refusal([&] { embedding(c, n); }),
            "[embedding] the table must be [vocabulary, dim], but is f32[3]");
}

}  // namespace
}  // namespace brisk::testing
