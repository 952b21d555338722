// Training on a GPU beside training on the CPU. Skipped where there is no GPU.

#include <gtest/gtest.h>

#include "brisk/train/trainer.h"
#include "tests/train/tiny_training.h"

namespace brisk::test {
namespace {

class CudaTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    const Status here = (*find_backend("cuda"))->available();
    if (!here) GTEST_SKIP() << here.error();
  }
};

StepOptions step_options(Precision precision = Precision::float32) {
  StepOptions options;
  options.optimizer = adam({.learning_rate = 0.01});
  options.precision = precision;
  return options;
}

/// Losses of ten steps on both backends.
void expect_losses_follow(const Model& model, const StepOptions& options, double tolerance) {
  RunningStep cpu(model, options, 16, "cpu"), cuda(model, options, 16, "cuda");
  for (uint64_t step = 0; step < 10; ++step) {
    const std::vector<Tensor> batch = tiny_images(16, step + 1);
    cpu.run(batch);
    cuda.run(batch);
    EXPECT_NEAR(cpu.results[0].item(), cuda.results[0].item(), tolerance) << "step " << step;
  }
}

TEST_F(CudaTraining, AnMlpFollowsTheCpu) {
  expect_losses_follow(tiny_mlp(), step_options(), 1e-3);
}

TEST_F(CudaTraining, ACnnFollowsTheCpu) {
  expect_losses_follow(tiny_cnn(false), step_options(), 1e-3);
}

TEST_F(CudaTraining, BatchNormalisationFollowsTheCpu) {
  expect_losses_follow(tiny_cnn(true), step_options(), 1e-3);
}

TEST_F(CudaTraining, AccumulationFollowsTheCpu) {
  StepOptions options = step_options();
  options.accumulate = 4;
  expect_losses_follow(tiny_mlp(), options, 1e-3);
}

TEST_F(CudaTraining, MixedFloat16FollowsTheCpu) {
  expect_losses_follow(tiny_cnn(false), step_options(Precision::mixed_float16), 0.02);
}

TEST_F(CudaTraining, ARunTwiceIsBitEqual) {
  const Model model = tiny_cnn(true);
  RunningStep first(model, step_options(), 16, "cuda"), second(model, step_options(), 16, "cuda");
  for (uint64_t step = 0; step < 5; ++step) {
    const std::vector<Tensor> batch = tiny_images(16, step + 1);
    first.run(batch);
    second.run(batch);
  }
  const auto a = first.executable->state(), b = second.executable->state();
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(bit_equal(a[i], b[i])) << first.program.state[i].name;
}

TEST_F(CudaTraining, ATrainerLearnsAndItsMetricsMissNoStep) {
  const Dataset data = tiny_dataset(192).batch(16);
  std::map<std::string, Metrics> last;
  for (const std::string backend : {"cpu", "cuda"}) {
    Trainer trainer(tiny_mlp(), {.optimizer = adam({.learning_rate = 0.01}), .backend = backend});
    last[backend] = trainer.fit(data, {.epochs = 4}).epochs.back();
    EXPECT_GT(trainer.evaluate(data).at("accuracy"), 0.9) << backend;
  }
  EXPECT_NEAR(last["cpu"].at("loss"), last["cuda"].at("loss"), 1e-3);
  EXPECT_NEAR(last["cpu"].at("accuracy"), last["cuda"].at("accuracy"), 0.02);
}

}  // namespace
}  // namespace brisk::test
