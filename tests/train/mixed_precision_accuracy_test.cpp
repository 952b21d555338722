#include <gtest/gtest.h>

#include <cstdlib>

#include "brisk/train/job.h"

// Whole trainings on real images, which take minutes: `./dev test --slow mixed_precision_accuracy`.
// docs/results/mixed_precision.md keeps what came out.

namespace brisk::test {
namespace {

/// Test accuracy in per cent of the small CNN trained on Fashion-MNIST as `brisk demo` does.
double trained_accuracy(Precision precision) {
  Recipe recipe;
  recipe.model.name = "small_cnn";
  recipe.model.dropout = 0;
  recipe.train.named = "fashion_mnist";
  recipe.validation.named = "fashion_mnist";
  recipe.precision = precision;
  recipe.epochs = 5;
  recipe.batch_size = 128;
  recipe.label_smoothing = 0.1;
  recipe.optimizer = {.name = "muon",
                      .learning_rate = 0.008,
                      .momentum = 0.9,
                      .exclude_layers = {"dense"},
                      .convolutions = true};
  recipe.schedule.name = "cosine_decay";
  recipe.schedule.warmup_steps = 234;
  const Job job = make_job(recipe);
  Trainer trainer(job.model, job.trainer);
  const History history =
      trainer.fit(job.train, {.epochs = recipe.epochs, .validation = &*job.validation});
  for (size_t epoch = 0; epoch < history.epochs.size(); ++epoch)
    fmt::print("{} epoch {}: loss {:.4f}, test accuracy {:.2f} %\n",
               enum_names(precision)[static_cast<size_t>(precision)], epoch + 1,
               history.epochs[epoch].at("loss"), 100 * history.epochs[epoch].at("val_accuracy"));
  return 100 * history.epochs.back().at("val_accuracy");
}

TEST(MixedPrecisionAccuracy, BF16EndsWithinHalfAPointOfF32OnFashionMnist) {
  if (std::getenv("BRISK_SLOW") == nullptr) GTEST_SKIP() << "takes minutes: BRISK_SLOW=1 runs it";
  const double full = trained_accuracy(Precision::float32);
  EXPECT_GE(full, 91);
  EXPECT_NEAR(trained_accuracy(Precision::mixed_bfloat16), full, 0.5);
}

}  // namespace
}  // namespace brisk::test
