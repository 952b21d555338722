// Small transformers of the zoo's two forms: one language to learn, the same on every backend.

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/nn/zoo/zoo.h"
#include "brisk/train/optimizer.h"
#include "tests/train/tiny_training.h"

namespace brisk::test {
namespace {

constexpr int64_t kSteps = 16, kVocabulary = 40, kBatch = 4;

Model tiny_gpt2(double dropout = 0) {
  Model model = zoo::gpt2({.steps = kSteps,
                           .vocabulary = kVocabulary,
                           .layers = 2,
                           .width = 32,
                           .heads = 4,
                           .dropout = dropout});
  model.initialize(5);
  return model;
}

/// Each token is three times the one before it, and one more, so that the next one is always known.
std::vector<Tensor> sentences(uint64_t seed) {
  PhiloxSequence random(seed);
  Tensor tokens(DType::i32, {kBatch, kSteps}), next(DType::i32, {kBatch, kSteps});
  for (int64_t b = 0; b < kBatch; ++b) {
    auto token = static_cast<int64_t>(random.next_below(kVocabulary));
    for (int64_t t = 0; t < kSteps; ++t) {
      tokens.set(b * kSteps + t, static_cast<double>(token));
      token = (3 * token + 1) % kVocabulary;
      next.set(b * kSteps + t, static_cast<double>(token));
    }
  }
  return {tokens, next};
}

StepOptions step_options(Precision precision) {
  StepOptions options;
  options.optimizer = adamw({.learning_rate = 0.003});
  options.precision = precision;
  return options;
}

/// The losses of `steps` steps on two backends, side by side.
void expect_losses_follow(const Model& model, Precision precision, const std::string& backend,
                          const std::string& other, double tolerance) {
  const StepOptions options = step_options(precision);
  RunningStep a(model, options, kBatch, backend), b(model, options, kBatch, other);
  for (uint64_t step = 0; step < 6; ++step) {
    a.run(sentences(step));
    b.run(sentences(step));
    EXPECT_NEAR(a.results[0].item(), b.results[0].item(), tolerance) << "step " << step;
  }
}

TEST(Transformers, Gpt2LearnsALanguage) {
  RunningStep step(tiny_gpt2(), step_options(Precision::float32), kBatch);
  step.run(sentences(0));
  const double first = step.results[0].item();
  EXPECT_NEAR(first, std::log(kVocabulary), 0.1);
  for (uint64_t i = 1; i < 200; ++i) step.run(sentences(i));
  EXPECT_LT(step.results[0].item(), 0.1 * first);
}

TEST(Transformers, Gpt2TrainsAsTheReferenceDoes) {
  expect_losses_follow(tiny_gpt2(), Precision::float64, "cpu", "reference", 1e-11);
}

TEST(Transformers, Gpt2DropsTheSameWeightsAsTheReference) {
  expect_losses_follow(tiny_gpt2(0.2), Precision::float64, "cpu", "reference", 1e-11);
}

TEST(Transformers, BertPredictsAsTheReferenceDoes) {
  Model model = zoo::bert_base({.steps = kSteps,
                                .vocabulary = kVocabulary,
                                .positions = 20,
                                .layers = 2,
                                .width = 32,
                                .heads = 4,
                                .classes = 3});
  model.initialize(5);
  const Program program = make_prediction_step(model, {}, kBatch);
  const auto executable = compile(program, **find_backend("cpu")).executable;
  executable->bind_state(model.weights);
  const Tensor tokens = sentences(1)[0], segments = Tensor::zeros(DType::i32, {kBatch, kSteps});
  const Tensor found = executable->run({{tokens, segments}})[0].clone();
  std::vector<Tensor> inputs = model.weights;
  for (const Tensor& tensor : {tokens, segments}) inputs.push_back(tensor);
  EXPECT_LT(relative_difference(reference::evaluate(program.graph, inputs)[0], found), 1e-5);
}

class TransformersOnCuda : public ::testing::Test {
 protected:
  void SetUp() override {
    const Status here = (*find_backend("cuda"))->available();
    if (!here) GTEST_SKIP() << here.error();
  }
};

TEST_F(TransformersOnCuda, Gpt2FollowsTheCpu) {
  expect_losses_follow(tiny_gpt2(), Precision::float32, "cuda", "cpu", 1e-3);
}

/// Through cuDNN's attention.
TEST_F(TransformersOnCuda, Gpt2InShortTypesFollowsTheCpu) {
  expect_losses_follow(tiny_gpt2(), Precision::mixed_bfloat16, "cuda", "cpu", 0.05);
  expect_losses_follow(tiny_gpt2(), Precision::mixed_float16, "cuda", "cpu", 0.02);
}

TEST_F(TransformersOnCuda, TheSameStepTwiceIsEqualToTheLastBit) {
  const Model model = tiny_gpt2();
  const StepOptions options = step_options(Precision::mixed_bfloat16);
  RunningStep a(model, options, kBatch, "cuda"), b(model, options, kBatch, "cuda");
  for (uint64_t step = 0; step < 4; ++step) {
    a.run(sentences(step));
    b.run(sentences(step));
  }
  for (const StateEntry& entry : a.program.state)
    EXPECT_TRUE(bit_equal(a.state(entry.name), b.state(entry.name))) << entry.name;
}

}  // namespace
}  // namespace brisk::test
