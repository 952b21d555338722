#include <gtest/gtest.h>

#include "brisk/ops/control/control.h"
#include "tests/train/tiny_training.h"

namespace brisk::test {
namespace {

/// Gradients and results of a step over 16 images in `parts` parts.
RunningStep step_in_parts(const Model& model, StepOptions options, int64_t parts) {
  options.accumulate = parts;
  RunningStep step(model, options, 16);
  step.run(tiny_images(16));
  return step;
}

class Accumulate : public testing::TestWithParam<int64_t> {};

TEST_P(Accumulate, EqualsTheWholeBatch) {
  for (const Model& model : {tiny_cnn(false), tiny_mlp()}) {
    StepOptions options = gradient_options();
    options.metrics = {"accuracy", "top_2_accuracy"};
    const RunningStep whole = step_in_parts(model, options, 1),
                      parts = step_in_parts(model, options, GetParam());
    for (const std::string& name : gradient_names(whole.program))
      EXPECT_LE(relative_difference(whole.state(name), parts.state(name)), 1e-5)
          << model.name << " " << name;
    ASSERT_EQ(whole.results.size(), 3u);
    for (size_t i = 0; i < whole.results.size(); ++i)
      EXPECT_NEAR(whole.results[i].item(), parts.results[i].item(), 1e-6) << model.name;
    EXPECT_EQ(parts.state("optimizer/iteration").item(), 1) << "one update, however many parts";
  }
}

TEST_P(Accumulate, EqualsTheWholeBatchInF64) {
  StepOptions options = gradient_options();
  options.precision = Precision::float64;
  const RunningStep whole = step_in_parts(tiny_cnn(false), options, 1);
  const RunningStep parts = step_in_parts(tiny_cnn(false), options, GetParam());
  for (const std::string& name : gradient_names(whole.program))
    EXPECT_LE(relative_difference(whole.state(name), parts.state(name)), 1e-13) << name;
}

TEST_P(Accumulate, ClipsTheMeanAndNotTheParts) {
  StepOptions options = gradient_options();
  options.optimizer = sgd({.learning_rate = 1, .momentum = 0.9, .global_clipnorm = 0.01});
  const RunningStep whole = step_in_parts(tiny_mlp(), options, 1),
                    parts = step_in_parts(tiny_mlp(), options, GetParam());
  double squares = 0;
  for (const std::string& name : gradient_names(whole.program)) {
    EXPECT_LE(relative_difference(whole.state(name), parts.state(name)), 1e-5) << name;
    const Tensor gradient = parts.state(name);
    for (int64_t i = 0; i < gradient.num_elements(); ++i)
      squares += gradient.get(i) * gradient.get(i);
  }
  EXPECT_NEAR(std::sqrt(squares), 0.01, 1e-7);
}

INSTANTIATE_TEST_SUITE_P(Parts, Accumulate, testing::Values(2, 4, 16),
                         [](const auto& info) { return "In" + std::to_string(info.param); });

TEST(AccumulateState, StatisticsAndKeysGoThroughThePartsOneAfterAnother) {
  const Model model = tiny_cnn(true);
  StepOptions options = gradient_options();
  options.accumulate = 4;
  RunningStep parts(model, options, 16);
  parts.run(tiny_images(16));

  // The same four parts as steps of their own at rate 0: the parameters stay.
  options = gradient_options();
  options.optimizer = sgd({.learning_rate = 0});
  RunningStep steps(model, options, 4);
  const std::vector<Tensor> batch = tiny_images(16);
  for (int64_t part = 0; part < 4; ++part) {
    Tensor images(DType::f32, {4, 8, 8, 2}), labels(DType::i32, {4});
    for (int64_t i = 0; i < 4; ++i) labels.set(i, batch[1].get(part * 4 + i));
    for (int64_t i = 0; i < images.num_elements(); ++i)
      images.set(i, batch[0].get(part * images.num_elements() + i));
    steps.run({images, labels});
  }
  for (const StateEntry& entry : model.program.state) {
    if (entry.role == StateRole::random_key) {
      EXPECT_TRUE(bit_equal(parts.state(entry.name), steps.state(entry.name))) << entry.name;
    }
    if (entry.role == StateRole::statistic) {
      EXPECT_LE(relative_difference(parts.state(entry.name), steps.state(entry.name)), 1e-6)
          << entry.name;
    }
  }
}

TEST(AccumulateState, IsOneLoopInTheOneStep) {
  StepOptions options = gradient_options();
  options.accumulate = 4;
  const Program step = make_training_step(tiny_cnn(false), options, 16);
  int scans = 0, convolutions_outside = 0;
  for (const Node& node : step.graph.nodes()) {
    convolutions_outside += node.op->name == "convolution" ? 1 : 0;
    if (node.op->name != "scan") continue;
    ++scans;
    EXPECT_EQ(node.attributes.as<ScanAttributes>().trips, 4);
  }
  EXPECT_EQ(scans, 1);
  EXPECT_EQ(convolutions_outside, 0) << "forward and backward pass are in the loop";
}

TEST(AccumulateState, RefusesABatchThatDoesNotSplit) {
  StepOptions options = gradient_options();
  options.accumulate = 3;
  try {
    make_training_step(tiny_mlp(), options, 16);
    FAIL() << "not refused";
  } catch (const UserError& error) {
    EXPECT_STREQ(error.what(), "a batch of 16 examples cannot be split into 3 equal parts");
  }
}

}  // namespace
}  // namespace brisk::test
