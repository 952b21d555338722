#include "brisk/train/trainer.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"
#include "tests/train/tiny_training.h"

namespace brisk::test {
namespace {

TrainerOptions options_in(Precision precision = Precision::float32) {
  TrainerOptions options;
  options.optimizer = adam({.learning_rate = 0.02});
  options.precision = precision;
  options.compile.threads = 1;
  return options;
}

std::string refusal_of(const auto& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no refusal";
}

TEST(Trainer, LearnsAndReportsWhatItDid) {
  Trainer trainer(tiny_mlp(), options_in());
  const Dataset train = tiny_dataset(100).shuffle(100).batch(16),
                test = tiny_dataset(50, 2).batch(16);
  std::vector<StepReport> reports;
  FitOptions fit;
  fit.epochs = 6;
  fit.validation = &test;
  fit.callbacks.on_step = [&](const StepReport& report) { reports.push_back(report); };
  int epochs = 0;
  fit.callbacks.on_epoch = [&](const StepReport&, const Metrics& metrics) {
    epochs += metrics.count("val_accuracy") ? 1 : 0;
  };
  const History history = trainer.fit(train, fit);
  EXPECT_EQ(epochs, 6);
  EXPECT_EQ(history.steps, 36);
  ASSERT_EQ(history.epochs.size(), 6u);
  EXPECT_LT(history.epochs[5].at("loss"), 0.5 * history.epochs[0].at("loss"));
  EXPECT_GT(history.epochs[5].at("val_accuracy"), 0.9);
  EXPECT_EQ(history.epochs[0].at("learning_rate"), 0.02);
  ASSERT_EQ(reports.size(), 36u);
  EXPECT_EQ(reports[6].epoch, 1);
  EXPECT_EQ(reports[6].step_in_epoch, 1);
  EXPECT_EQ(reports[6].step, 7);
  EXPECT_EQ(reports[6].steps, 36);
}

class InPrecision : public testing::TestWithParam<Precision> {};

TEST_P(InPrecision, EvaluateAndPredictAgree) {
  Trainer trainer(tiny_cnn(true), options_in(GetParam()));
  trainer.fit(tiny_dataset(64).batch(16), {.epochs = 2});
  const std::vector<Tensor> images = tiny_images(21, 3);
  const Dataset dataset = from_tensor_slices(images).batch(8);  // and a short batch of five
  const Metrics metrics = trainer.evaluate(dataset);
  const Tensor logits = trainer.predict(dataset);
  ASSERT_EQ(logits.sizes(), (std::vector<int64_t>{21, 3}));
  EXPECT_EQ(logits.dtype(), GetParam() == Precision::float64 ? DType::f64 : DType::f32);
  double loss = 0, correct = 0;
  for (int64_t n = 0; n < 21; ++n) {
    double sum = 0;
    int64_t best = 0;
    for (int64_t c = 0; c < 3; ++c) {
      sum += std::exp(logits.get(n * 3 + c));
      if (logits.get(n * 3 + c) > logits.get(n * 3 + best)) best = c;
    }
    const auto label = static_cast<int64_t>(images[1].get(n));
    loss += (std::log(sum) - logits.get(n * 3 + label)) / 21;
    correct += best == label ? 1.0 / 21 : 0;
  }
  EXPECT_NEAR(metrics.at("loss"), loss, GetParam() == Precision::float64 ? 1e-12 : 2e-6);
  EXPECT_NEAR(metrics.at("accuracy"), correct, 1e-6);
}

TEST_P(InPrecision, TheModelComesBackInItsOwnTypes) {
  Trainer trainer(tiny_cnn(true), options_in(GetParam()));
  trainer.fit(tiny_dataset(32).batch(16), {.epochs = 1});
  const Model model = trainer.model();
  ASSERT_EQ(model.weights.size(), model.program.state.size());
  for (size_t i = 0; i < model.weights.size(); ++i)
    EXPECT_EQ(Type(model.weights[i].dtype(), Shape(model.weights[i].sizes())),
              model.program.state[i].type);
  const Dataset dataset = tiny_dataset(8, 3).batch(8);
  const Tensor ours = trainer.predict(dataset),
               again = Trainer(model, options_in()).predict(dataset);
  EXPECT_LE(relative_difference(ours, again),
            GetParam() == Precision::mixed_bfloat16 ? 0.05 : 0.01);
}

INSTANTIATE_TEST_SUITE_P(Precisions, InPrecision,
                         testing::Values(Precision::float32, Precision::mixed_bfloat16,
                                         Precision::mixed_float16, Precision::float64),
                         [](const auto& info) {
                           return std::string(
                               enum_names(Precision{})[static_cast<size_t>(info.param)]);
                         });

TEST(Trainer, AnotherBatchSizeGoesOnWithTheTrainedWeights) {
  Trainer trainer(tiny_mlp(), options_in());
  trainer.fit(tiny_dataset(64).batch(16), {.epochs = 8});
  const double loss = trainer.evaluate(tiny_dataset(64).batch(16)).at("loss");
  trainer.prepare(tiny_dataset(64).batch(8));
  EXPECT_NEAR(trainer.evaluate(tiny_dataset(64).batch(16)).at("loss"), loss, 1e-6);
}

TEST(Trainer, TheScheduleIsFollowed) {
  TrainerOptions options = options_in();
  options.schedule = [](int64_t step) { return step < 2 ? 0.5 : 0.25; };
  Trainer trainer(tiny_mlp(), options);
  std::vector<double> rates;
  FitOptions fit;
  fit.callbacks.on_step = [&](const StepReport& report) { rates.push_back(report.learning_rate); };
  trainer.fit(tiny_dataset(32).batch(8), fit);
  EXPECT_EQ(rates, (std::vector<double>{0.5, 0.5, 0.25, 0.25}));
  EXPECT_EQ(trainer.step().state().size(), 4u + 2 + 8);
}

TEST(Trainer, ValidatesAndSavesAsOftenAsItIsTold) {
  const test::TemporaryDirectory directory;
  const Dataset data = tiny_dataset(64).batch(16);
  Trainer trainer(tiny_mlp(), {.optimizer = adam()});
  const History history = trainer.fit(data, {.epochs = 5,
                                             .validation = &data,
                                             .validation_freq = 2,
                                             .directory = directory.path() / "all",
                                             .checkpoint_every_epochs = 3});
  for (size_t epoch = 0; epoch < 5; ++epoch)
    EXPECT_EQ(history.epochs[epoch].count("val_loss"), epoch % 2) << epoch;
  // Four steps an epoch; the newest two are kept: after the third epoch and after the last.
  for (const auto& [step, kept] : {std::pair(8, false), {12, true}, {16, false}, {20, true}})
    EXPECT_EQ(
        std::filesystem::exists(directory.path() / "all" / fmt::format("checkpoint-{}", step)),
        kept)
        << step;
}

TEST(Trainer, RefusesDataThatDoesNotFit) {
  Trainer trainer(tiny_mlp(), options_in());
  const std::vector<Tensor> images = tiny_images(8);
  EXPECT_NE(refusal_of([&] { trainer.fit(tiny_dataset(8)); }).find("the dataset is not batched"),
            std::string::npos);
  EXPECT_EQ(refusal_of([&] { trainer.fit(tiny_dataset(8).batch(16)); }),
            "the dataset has not one full batch of 16 examples");
  EXPECT_EQ(refusal_of([&] { trainer.fit(from_tensor_slices({images[0]}).batch(4)); }),
            "the dataset has 1 components, but model 'tiny_mlp' takes 2");
  const std::string wrong = refusal_of([&] {
    trainer.fit(from_tensor_slices({Tensor::zeros(DType::u8, {8, 8, 8, 2}), images[1]}).batch(4));
  });
  EXPECT_NE(wrong.find("'image'"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("u8[8, 8, 2]"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("f32[8, 8, 2]"), std::string::npos) << wrong;
  EXPECT_EQ(refusal_of([&] { trainer.evaluate(tiny_dataset(0).batch(4)); }),
            "there is nothing to evaluate: the dataset has no examples");
  EXPECT_EQ(refusal_of([&] { trainer.fit(tiny_dataset(8).batch(4), {.epochs = -1}); }),
            "epochs is -1, but must not be negative");
  EXPECT_EQ(refusal_of([&] { trainer.fit(tiny_dataset(8).batch(4), {.validation_freq = 0}); }),
            "validation_freq is 0, but must be positive");
  EXPECT_EQ(
      refusal_of([&] { trainer.fit(tiny_dataset(8).batch(4), {.checkpoint_every_epochs = 0}); }),
      "checkpoint_every_epochs is 0, but must be positive");
  EXPECT_EQ(refusal_of([&] { Trainer(tiny_mlp(), options_in()).step(); }),
            "the step is not compiled yet: call prepare or fit first");
}

TEST(Trainer, RefusesAnUnknownBackend) {
  TrainerOptions options = options_in();
  options.backend = "abacus";
  const std::string message = refusal_of([&] { Trainer(tiny_mlp(), options); });
  EXPECT_NE(message.find("abacus"), std::string::npos) << message;
}

}  // namespace
}  // namespace brisk::test
