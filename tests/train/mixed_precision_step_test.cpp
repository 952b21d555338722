#include <gtest/gtest.h>

#include "tests/train/tiny_training.h"

namespace brisk::test {
namespace {

StepOptions adam_in(Precision precision) {
  StepOptions options;
  options.optimizer = adam({.learning_rate = 0.01});
  options.precision = precision;
  return options;
}

struct Curve {
  double first = 0, last = 0, accuracy = 0;  ///< means over twenty steps
};

Curve train(const Model& model, Precision precision) {
  RunningStep step(model, adam_in(precision), 16);
  Curve curve;
  for (uint64_t i = 0; i < 120; ++i) {
    step.run(tiny_images(16, i));
    if (i < 20) curve.first += step.results[0].item() / 20;
    if (i >= 100) curve.last += step.results[0].item() / 20, curve.accuracy += step.results[1].item() / 20;
  }
  return curve;
}

class MixedPrecision : public testing::TestWithParam<Precision> {};

TEST_P(MixedPrecision, TrainsAlmostAsF32Does) {
  for (const Model& model : {tiny_cnn(true), tiny_mlp()}) {
    const Curve full = train(model, Precision::float32), mixed = train(model, GetParam());
    ASSERT_LT(full.last, 0.5 * full.first) << "the problem is too hard to tell";
    EXPECT_NEAR(mixed.first, full.first, 0.05 * full.first) << model.name;
    EXPECT_NEAR(mixed.last, full.last, 0.15 * full.last + 0.01) << model.name;
    EXPECT_NEAR(mixed.accuracy, full.accuracy, 0.03) << model.name;
  }
}

TEST_P(MixedPrecision, GradientsOfOneStepAreCloseAndNotEqual) {
  StepOptions options = gradient_options();
  const Model model = tiny_cnn(false);
  RunningStep full(model, options, 16);
  options.precision = GetParam();
  RunningStep mixed(model, options, 16);
  full.run(tiny_images(16));
  mixed.run(tiny_images(16));
  double largest = 0;
  for (const std::string& name : gradient_names(full.program)) {
    const double difference = relative_difference(full.state(name), mixed.state(name));
    EXPECT_LE(difference, GetParam() == Precision::mixed_float16 ? 0.01 : 0.1) << name;
    largest = std::max(largest, difference);
  }
  EXPECT_GT(largest, 1e-6) << "nothing was computed in the short type";
}

TEST_P(MixedPrecision, StateStaysF32AndConvolutionsAreShort) {
  const Program step = make_training_step(tiny_cnn(true), adam_in(GetParam()), 8);
  for (const StateEntry& entry : step.state)
    EXPECT_EQ(entry.type.dtype(), entry.role == StateRole::random_key ? DType::u32 : DType::f32) << entry.name;
  const DType wanted = GetParam() == Precision::mixed_float16 ? DType::f16 : DType::bf16;
  int convolutions = 0;
  for (const Node& node : step.graph.nodes())
    if (node.op->name == "convolution") {
      EXPECT_EQ(step.graph.type(node.operands[0]).dtype(), wanted);
      ++convolutions;
    }
  EXPECT_EQ(convolutions, 2);
}

INSTANTIATE_TEST_SUITE_P(Types, MixedPrecision, testing::Values(Precision::mixed_bfloat16, Precision::mixed_float16),
                         [](const auto& info) { return info.param == Precision::mixed_float16 ? "F16" : "BF16"; });

TEST(LossScale, DoublesAfterTheNthGoodStep) {
  StepOptions options = adam_in(Precision::mixed_float16);
  options.initial_loss_scale = 1024;
  options.dynamic_growth_steps = 3;
  RunningStep step(tiny_mlp(), options, 8);
  const double scales[] = {1024, 1024, 2048, 2048, 2048, 4096, 4096};
  const double good_steps[] = {1, 2, 0, 1, 2, 0, 1};
  for (size_t i = 0; i < 7; ++i) {
    step.run(tiny_images(8, i));
    EXPECT_EQ(step.state("loss_scale/scale").item(), scales[i]) << "step " << i;
    EXPECT_EQ(step.state("loss_scale/good_steps").item(), good_steps[i]) << "step " << i;
    EXPECT_EQ(step.state("optimizer/iteration").item(), static_cast<double>(i + 1));
  }
}

/// All that a step skipped must leave alone is unchanged, the scale is halved, keys have advanced.
void expect_skipped(const Program& program, const std::vector<Tensor>& before, const std::vector<Tensor>& after) {
  for (size_t i = 0; i < program.state.size(); ++i) {
    const StateEntry& entry = program.state[i];
    if (entry.name == "loss_scale/scale") {
      EXPECT_EQ(after[i].item(), before[i].item() / 2);
    } else if (entry.name == "loss_scale/good_steps") {
      EXPECT_EQ(after[i].item(), 0);
    } else if (entry.role == StateRole::random_key) {
      EXPECT_FALSE(bit_equal(before[i], after[i])) << entry.name;
    } else {
      EXPECT_TRUE(bit_equal(before[i], after[i])) << entry.name;
    }
  }
}

TEST(LossScale, AnOverflowSkipsTheStepAndHalvesTheScale) {
  for (const int64_t accumulate : {1, 2}) {
    StepOptions options = adam_in(Precision::mixed_float16);
    options.accumulate = accumulate;
    RunningStep step(tiny_cnn(true), options, 8);
    step.run(tiny_images(8));
    step.run(tiny_images(8));
    ASSERT_EQ(step.state("optimizer/iteration").item(), 2);
    step.executable->set_state(step.program.state_index("loss_scale/scale"), Tensor::scalar(DType::f32, 1e30));
    const std::vector<Tensor> before = step.executable->state();
    step.run(tiny_images(8));
    expect_skipped(step.program, before, step.executable->state());
    EXPECT_TRUE(std::isfinite(step.results[0].item())) << "the reported loss is not scaled";

    // It finds its way back: the scale falls until the gradients are finite, then training goes on.
    for (int i = 0; i < 100 && step.state("optimizer/iteration").item() == 2; ++i) step.run(tiny_images(8));
    EXPECT_EQ(step.state("optimizer/iteration").item(), 3);
    EXPECT_FALSE(bit_equal(before[0], step.executable->state(0)));
  }
}

TEST(LossScale, ABadBatchPoisonsNothing) {
  RunningStep step(tiny_cnn(true), adam_in(Precision::mixed_float16), 8);
  step.run(tiny_images(8));
  const std::vector<Tensor> before = step.executable->state();
  std::vector<Tensor> batch = tiny_images(8);
  batch[0].set(17, INFINITY);
  step.run(batch);
  expect_skipped(step.program, before, step.executable->state());
}

TEST(LossScale, IsOnlyThereInFloat16) {
  for (const Precision precision : {Precision::float32, Precision::mixed_bfloat16, Precision::float64})
    for (const StateEntry& entry : make_training_step(tiny_mlp(), adam_in(precision), 8).state)
      EXPECT_FALSE(entry.name.starts_with("loss_scale")) << entry.name;
}

}  // namespace
}  // namespace brisk::test
