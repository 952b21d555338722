// Losses and metrics against the examples of Keras's own documentation and its formulas.

#include "brisk/nn/losses.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/nn/metrics.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"
#include "tests/support/refusal.h"

namespace brisk::testing {
namespace {

using Rows = std::vector<std::vector<double>>;

Tensor matrix(DType type, const Rows& rows) {
  Tensor tensor(type, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())});
  for (size_t r = 0; r < rows.size(); ++r)
    for (size_t c = 0; c < rows[0].size(); ++c)
      tensor.set(static_cast<int64_t>(r * rows[0].size() + c), rows[r][c]);
  return tensor;
}

Tensor labels(const std::vector<int32_t>& values) {
  return Tensor::of<int32_t>({static_cast<int64_t>(values.size())}, values);
}

/// What `make` computes of predictions and targets, an element an example.
std::vector<double> per_example(const Tensor& predictions, const Tensor& targets,
                                const std::function<Value(Value, Value)>& make) {
  Builder builder(standard_ops(), "loss");
  const Value p = builder.input("p", Type(predictions.dtype(), Shape(predictions.sizes())));
  const Value t = builder.input("t", Type(targets.dtype(), Shape(targets.sizes())));
  const Graph graph = builder.finish({{"loss", make(p, t)}});
  const std::vector<Tensor> inputs = {predictions, targets};
  const Tensor result = reference::evaluate(graph, inputs)[0];
  EXPECT_EQ(result.sizes(), std::vector<int64_t>{predictions.sizes()[0]});
  std::vector<double> values;
  for (int64_t i = 0; i < result.num_elements(); ++i) values.push_back(result.get(i));
  return values;
}

void expect_loss(const LossSpec& spec, const Rows& predictions, const Tensor& targets,
                 const std::vector<double>& expected) {
  const auto make = [&](Value p, Value t) { return per_example_loss(p, t, spec); };
  const std::vector<double> found = per_example(matrix(DType::f32, predictions), targets, make);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], 1e-6 * std::max(1.0, std::abs(expected[i])))
        << spec.name << " of example " << i;
}

TEST(Loss, SparseCategoricalCrossentropyOfProbabilities) {
  // Keras's example gives 1.177 for their mean.
  expect_loss({.name = "sparse_categorical_crossentropy", .from_logits = false},
              {{0.05, 0.95, 0}, {0.1, 0.8, 0.1}}, labels({1, 2}),
              {-std::log(0.95), -std::log(0.1)});
}

TEST(Loss, CategoricalCrossentropyOfProbabilitiesAndItsClipping) {
  expect_loss({.name = "categorical_crossentropy", .from_logits = false},
              {{0.05, 0.95, 0}, {0.1, 0.8, 0.1}, {1, 0, 0}},
              matrix(DType::f32, {{0, 1, 0}, {0, 0, 1}, {0, 1, 0}}),
              {-std::log(0.95), -std::log(0.1), -std::log(1e-7)});
}

TEST(Loss, CrossentropiesOfLogitsAreThoseOfTheirSoftmax) {
  const double e = std::exp(1.0), sum = 1 + e + e * e;
  const std::vector<double> expected = {-std::log(e * e / sum), -std::log(1 / sum)};
  const Rows logits = {{0, 1, 2}, {0, 1, 2}};
  expect_loss({.name = "sparse_categorical_crossentropy"}, logits, labels({2, 0}), expected);
  expect_loss({.name = "categorical_crossentropy"}, logits,
              matrix(DType::f32, {{0, 0, 1}, {1, 0, 0}}), expected);
}

TEST(Loss, CrossentropiesOfASoftmaxAreComputedOfItsLogits) {
  const Rows logits = {{0, 100, 300}};  // whose probabilities round to 0 and 1
  for (const bool from_logits : {false, true}) {
    const LossSpec sparse{.from_logits = from_logits};
    EXPECT_EQ(
        per_example(matrix(DType::f32, logits), labels({1}),
                    [&](Value p, Value t) { return per_example_loss(softmax(p), t, sparse); }),
        std::vector<double>{200});
    const LossSpec binary{.name = "binary_crossentropy", .from_logits = from_logits};
    EXPECT_EQ(
        per_example(matrix(DType::f32, {{90}}), matrix(DType::f32, {{0}}),
                    [&](Value p, Value t) { return per_example_loss(sigmoid(p), t, binary); }),
        std::vector<double>{90});
  }
}

TEST(Loss, SparseLabelSmoothingOfProbabilities) {
  const double smooth = 0.3;
  expect_loss({.from_logits = false, .label_smoothing = smooth}, {{0.25, 0.5, 0.25}}, labels({1}),
              {-(0.7 * std::log(0.5) + 0.1 * (std::log(0.5) + 2 * std::log(0.25)))});
}

TEST(Loss, LabelSmoothingMixesInTheUniformDistribution) {
  const double e = std::exp(1.0), sum = 1 + e + e * e;
  const std::vector<double> log_p = {-std::log(sum), 1 - std::log(sum), 2 - std::log(sum)};
  const double expected = -(0.1 / 3 * log_p[0] + 0.1 / 3 * log_p[1] + (0.9 + 0.1 / 3) * log_p[2]);
  expect_loss({.name = "sparse_categorical_crossentropy", .label_smoothing = 0.1}, {{0, 1, 2}},
              labels({2}), {expected});
  expect_loss({.name = "categorical_crossentropy", .label_smoothing = 0.1}, {{0, 1, 2}},
              matrix(DType::f32, {{0, 0, 1}}), {expected});
  expect_loss({.name = "binary_crossentropy", .from_logits = false, .label_smoothing = 0.2},
              {{0.7}}, matrix(DType::f32, {{1}}), {-(0.9 * std::log(0.7) + 0.1 * std::log(0.3))});
}

TEST(Loss, BinaryCrossentropy) {
  // Keras's examples: [0.916, 0.714] and 0.865.
  expect_loss({.name = "binary_crossentropy", .from_logits = false}, {{0.6, 0.4}, {0.4, 0.6}},
              matrix(DType::f32, {{0, 1}, {0, 0}}),
              {-(std::log(0.4) + std::log(0.4)) / 2, -(std::log(0.6) + std::log(0.4)) / 2});
  expect_loss({.name = "binary_crossentropy"}, {{-18.6, 0.51, 2.94, -12.8}},
              matrix(DType::f32, {{0, 1, 0, 0}}), {0.8654580});
  expect_loss({.name = "binary_crossentropy"}, {{1e4}, {-1e4}, {1e4}},
              matrix(DType::f32, {{0}, {1}, {1}}), {1e4, 1e4, 0});
}

TEST(Loss, RegressionLosses) {
  const Rows predictions = {{0.6, 0.4}, {3, 0.6}};
  const Tensor targets = matrix(DType::f32, {{0, 1}, {0, 0}});
  expect_loss({.name = "mean_squared_error"}, predictions, targets, {0.36, (9 + 0.36) / 2});
  expect_loss({.name = "mse"}, predictions, targets, {0.36, (9 + 0.36) / 2});
  expect_loss({.name = "mean_absolute_error"}, predictions, targets, {0.6, 1.8});
  expect_loss({.name = "mae"}, predictions, targets, {0.6, 1.8});
  // Inside delta half the square, beyond it delta * (|e| - delta / 2).
  expect_loss({.name = "huber"}, predictions, targets, {0.18, (2.5 + 0.18) / 2});
  expect_loss({.name = "huber", .delta = 0.5}, predictions, targets,
              {0.175, (0.5 * 2.75 + 0.175) / 2});
}

TEST(Loss, TargetsHaveTheTypeOfTheirLoss) {
  const Type logits(DType::f32, {Extent(std::string("batch")), 10});
  EXPECT_EQ(target_type(logits, {.name = "sparse_categorical_crossentropy"}),
            Type(DType::i32, {Extent(std::string("batch"))}));
  EXPECT_EQ(target_type(logits, {.name = "mse"}), logits);
}

TEST(Loss, RefusesWithBothValues) {
  const auto message = [](const LossSpec& spec) {
    return refusal([&] {
      per_example(matrix(DType::f32, {{1, 2}}), labels({0}),
                  [&](Value p, Value t) { return per_example_loss(p, t, spec); });
    });
  };
  EXPECT_NE(message({.name = "mean_square_error"}).find("did you mean 'mean_squared_error'?"),
            std::string::npos);
  EXPECT_EQ(message({.label_smoothing = 1}), "label_smoothing is 1, but must be in [0, 1)");
  EXPECT_EQ(message({.name = "mse", .label_smoothing = 0.5}),
            "loss 'mse' takes no label_smoothing, but it is 0.5");
  EXPECT_EQ(message({.name = "mse"}),
            "loss 'mse' of predictions f32[1, 2] takes targets [1, 2], but [1] are given");
}

void expect_metric(const std::string& name, const Rows& predictions, const Tensor& targets,
                   const std::vector<double>& expected) {
  EXPECT_EQ(per_example(matrix(DType::f32, predictions), targets,
                        [&](Value p, Value t) { return per_example_metric(name, p, t); }),
            expected)
      << name;
}

TEST(Metric, AccuracyOfLabelsOneHotsAndSingleLogits) {
  const Rows logits = {{1, 3, 2}, {5, 0, 1}, {0, 0, 0}};
  for (const std::string name : {"accuracy", "sparse_categorical_accuracy"})
    expect_metric(name, logits, labels({1, 2, 0}), {1, 0, 1});
  expect_metric("categorical_accuracy", logits,
                matrix(DType::f32, {{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}), {1, 0, 1});
  expect_metric("accuracy", {{0.2}, {-1}, {3}}, matrix(DType::f32, {{1}, {1}, {0}}), {1, 0, 0});
}

TEST(Metric, TopKCountsTiesForTheLabel) {
  const Rows logits = {{1, 3, 2}, {5, 0, 1}, {0, 0, 0}, {3, 2, 1}};
  expect_metric("top_1_accuracy", logits, labels({1, 2, 2, 2}), {1, 0, 1, 0});
  expect_metric("top_2_accuracy", logits, labels({2, 2, 2, 2}), {1, 1, 1, 0});
  expect_metric("top_3_accuracy", logits, labels({0, 1, 2, 2}), {1, 1, 1, 1});
}

TEST(Metric, Errors) {
  const Tensor targets = matrix(DType::f32, {{0, 2}});
  expect_metric("mean_squared_error", {{3, 1}}, targets, {5});
  expect_metric("mae", {{3, 1}}, targets, {2});
}

TEST(Metric, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(refusal([] { require_metric("acuracy"); }).find("did you mean 'accuracy'?"),
            std::string::npos);
  for (const char* name :
       {"top_0_accuracy", "top_x_accuracy", "top__accuracy", "top_-1_accuracy", ""})
    EXPECT_NE(refusal([&] { require_metric(name); }).find("there is no metric"), std::string::npos)
        << name;
  EXPECT_EQ(refusal([] { require_metric("top_17_accuracy"); }), "");
}

}  // namespace
}  // namespace brisk::testing
