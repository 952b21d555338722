#include <gtest/gtest.h>

#include "tests/train/tiny_training.h"

// Muon on a Dense layer of 3x2 weights, four examples, five steps in f64, against Keras 3.15; and a
// 1x1 convolution of as many weights, which does the same arithmetic.

namespace brisk::test {
namespace {

using Sizes = std::vector<int64_t>;
constexpr int64_t kExamples = 4;
const std::vector<float> kPoints = {1, 0, 0.5f, 0, 2, -1, 0.25f, 0, -3, 1, 1, 1};
const std::vector<float> kTargets = {0.5f, 1, 1.5f, -1, -2, 0, 0, 0.5f};
const std::vector<float> kWeights = {1, -1, -2, 0.5f, 3, 0.25f};

Model plane(bool convolution) {
  ModelBuilder builder("plane");
  const Sizes pixel = {1, 1, 3};
  Value x = builder.input("x", convolution ? pixel : Sizes{3});
  if (convolution)
    x = builder(Flatten{}, builder(Conv2D{.filters = 2, .kernel_size = {1, 1}, .name = "line"}, x));
  else
    x = builder(Dense{.units = 2, .name = "line"}, x);
  Model model = builder.finish({{"y", x}});
  model.weights = {Tensor::of<float>(convolution ? Sizes{1, 1, 3, 2} : Sizes{3, 2}, kWeights),
                   Tensor::of<float>({2}, {0.25f, -0.5f})};
  return model;
}

/// Kernel and bias after five steps.
std::vector<double> moved(const MuonOptions& muon_options, bool convolution = false) {
  StepOptions options;
  options.loss = {.name = "mean_squared_error"};
  options.metrics = {};
  options.optimizer = muon(muon_options);
  options.precision = Precision::float64;
  RunningStep step(plane(convolution), options, kExamples);
  const Sizes points = convolution ? Sizes{kExamples, 1, 1, 3} : Sizes{kExamples, 3};
  for (int i = 0; i < 5; ++i)
    step.run({Tensor::of<float>(points, kPoints), Tensor::of<float>({kExamples, 2}, kTargets)});
  std::vector<double> values;
  for (int64_t i = 0; i < 6; ++i) values.push_back(step.state("line/kernel").get(i));
  for (int64_t i = 0; i < 2; ++i) values.push_back(step.state("line/bias").get(i));
  return values;
}

void expect_near(const std::vector<double>& ours, const std::vector<double>& wanted, double limit) {
  ASSERT_EQ(ours.size(), wanted.size());
  for (size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], wanted[i], limit) << i;
}

TEST(Muon, FiveStepsAreKeras) {
  expect_near(moved({.learning_rate = 0.1}),
              {0.988396697862484, -0.8846706791938628, -1.9467514621136321, 0.45479261976418744,
               2.8828750580699083, 0.21996458606317568, 0.7463447871059727, -0.009283273958944127},
              1e-5);
}

TEST(Muon, FiveStepsWithOtherArgumentsAreKeras) {
  expect_near(moved({.learning_rate = 0.05,
                     .adam_beta_1 = 0.8,
                     .adam_weight_decay = 0.1,
                     .weight_decay = 0.2,
                     .adam_lr_ratio = 0.5,
                     .momentum = 0.8,
                     .ns_steps = 3,
                     .nesterov = false,
                     .rms_rate = 0}),
              {0.9371254339680511, -0.7876732721471317, -1.8295961849460414, 0.4237267342496786,
               2.6946745367646643, 0.1997594993464777, 0.3667590987333768, -0.36518087682689426},
              1e-5);
}

/// Five iterations end within some percent of an orthogonal matrix, so bf16's rounding is the less.
TEST(Muon, InBFloat16StepsAreAlmostTheSame) {
  const std::vector<double> whole = moved({.learning_rate = 0.1});
  const std::vector<double> rounded = moved({.learning_rate = 0.1, .ns_bfloat16 = true});
  expect_near(rounded, whole, 5e-3);
  EXPECT_NE(rounded, whole);
}

TEST(Muon, ExcludedLayersAreAdamW) {
  const std::vector<double> keras = {
      0.4978372970469438, -0.5037310047434689, -1.4998705689571756, 0.0030905292470644607,
      2.497380913388265,  0.23323784295851943, 0.7443282592548222,  -0.008204024454785006};
  expect_near(moved({.learning_rate = 0.1, .exclude_layers = {"line"}}), keras, 1e-5);
  // A convolution is left to AdamW unless it is asked for.
  expect_near(moved({.learning_rate = 0.1}, true), keras, 1e-5);
}

TEST(Muon, TakesAConvolutionAsTheMatrixOfItsFilters) {
  const MuonOptions options{.learning_rate = 0.1, .convolutions = true};
  expect_near(moved(options, true), moved(options), 1e-12);
}

TEST(Muon, KeepsOneSlotForAMatrixAndTwoForTheRest) {
  using Names = std::vector<std::string>;
  const OptimizerPtr optimizer = muon({.exclude_layers = {"head"}});
  EXPECT_EQ(optimizer->slots({"dense/kernel", {3, 2}}), Names{"momentum"});
  for (const ParameterInfo& info : {ParameterInfo{"dense/bias", {2}},
                                    {"head/kernel", {3, 2}},
                                    {"conv2d/kernel", {3, 3, 2, 4}},
                                    {"embedding/embeddings", {10, 4}}})
    EXPECT_EQ(optimizer->slots(info), (Names{"momentum", "velocity"})) << info.name;
  EXPECT_EQ(muon({.exclude_from_weight_decay = {"bias"}})->weight_decay_of({"a/bias", {2}}), 0);
}

TEST(Muon, RefusesWhatMakesNoSense) {
  EXPECT_THROW(muon({.momentum = 1}), UserError);
  EXPECT_THROW(muon({.ns_steps = 0}), UserError);
  EXPECT_THROW(muon({.rms_rate = -1}), UserError);
}

}  // namespace
}  // namespace brisk::test
