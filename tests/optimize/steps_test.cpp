// What single steps make of a small trained network, and why they are not tried. Whether it pays is
// no test's business.

#include "brisk/optimize/steps/steps.h"

#include <gtest/gtest.h>

#include "brisk/formats/package/package.h"
#include "brisk/ir/text.h"
#include "brisk/nn/zoo/zoo.h"
#include "brisk/optimize/journal.h"
#include "brisk/optimize/weight_values.h"
#include "brisk/train/trainer.h"
#include "tests/optimize/bands.h"
#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

class Steps : public ::testing::Test {
 protected:
  void SetUp() override {
    test::write_bands(place_.path(), "train", 256, 1);
    test::write_bands(place_.path(), "test", 64, 2);
    Recipe& recipe = context_.recipe;
    recipe.train = {.idx_images = place_ / "train-images", .idx_labels = place_ / "train-labels"};
    recipe.validation = {.idx_images = place_ / "test-images",
                         .idx_labels = place_ / "test-labels"};
    recipe.model.name = "mlp";
    recipe.model.classes = 3;
    recipe.batch_size = 32;
    recipe.threads = 1;
    Job job = make_job(recipe);
    Trainer trainer(job.model, job.trainer);
    trainer.fit(job.train, {.epochs = 2});
    start(trainer.model());
    context_.options = {.output = place_ / "out", .rounds = 3, .epochs = 1, .threads = 1};
    context_.train_rate = 10000;
    context_.preprocessing = preprocessing_text(recipe, {9, 8, 1});
    context_.start_accuracy = context_.accuracy_of(best_.trained).value;
    context_.best_accuracy = {context_.start_accuracy, 64};
    journal_.emplace(place_ / "out", Json{{"of", "bands"}}, false);
    context_.use(*journal_);
  }

  void start(const Model& model) {
    best_.trained = model;
    best_.trained_package = context_.start_package = written(model, "start");
  }
  std::filesystem::path written(const Model& model, const std::string& name) {
    write_package(
        place_ / name,
        {model.program, model.weights, model.name, model.class_names, context_.preprocessing, {}})
        .value();
    return place_ / name;
  }
  /// A third of the accuracy is gone, so that there is something to win back.
  void lose_accuracy() {
    best_.trained_package = written(best_.trained, "changed");
    context_.best_accuracy.value = 0.3;
  }
  void remember(const std::string& step, Verdict verdict, bool over_budget) {
    journal_->add({.step = step, .verdict = verdict, .over_budget = over_budget}, 0);
  }
  std::string reason(const DeploymentStep& step) {
    const Status asked = step.against(context_, best_);
    return asked ? "" : asked.error();
  }
  /// Four of five weights of each kernel become zero.
  void make_sparse() {
    for (Tensor& weights : best_.trained.weights) {
      if (weights.rank() < 2) continue;
      weights = weights.clone();
      for (int64_t i = 0; i < weights.num_elements(); ++i)
        if (i % 5 != 0) weights.set(i, 0);
    }
  }
  void expect_same_zeros(const Model& model) {
    for (size_t i = 0; i < model.weights.size(); ++i) {
      if (model.weights[i].rank() < 2) continue;
      for (int64_t k = 0; k < model.weights[i].num_elements(); ++k)
        if (best_.trained.weights[i].get(k) == 0)
          ASSERT_EQ(model.weights[i].get(k), 0) << model.program.state[i].name;
    }
  }

  test::TemporaryDirectory place_;
  OptimizeContext context_;
  std::optional<Journal> journal_;
  Candidate best_;
};

TEST_F(Steps, RoundingsAreTrainedWhereInt8CostTooMuch) {
  EXPECT_EQ(reason(trained_int8_step()), "int8 was not tried");
  remember("int8", Verdict::not_kept, true);
  make_sparse();
  best_.trained_package = written(best_.trained, "sparse");
  const Candidate trained = trained_int8_step().apply(context_, best_).value();
  EXPECT_EQ(trained.deployment.format, NumberFormat::int8);
  ASSERT_TRUE(trained.ranges);
  EXPECT_FALSE(trained.ranges->empty());
  EXPECT_NE(trained.note.find("products in int8"), std::string::npos) << trained.note;
  expect_same_zeros(trained.trained);
  EXPECT_GT(share_of_zeros(trained.trained), 0.7);
  EXPECT_EQ(trained.trained.program.state.size(), best_.trained.program.state.size())
      << "it can be trained on";
  const ValueRanges again = ranges_from_json(to_json(*trained.ranges));
  EXPECT_EQ(to_json(again), to_json(*trained.ranges));
}

TEST_F(Steps, RoundingsAreNotTrainedWhereNothingIsToBeWon) {
  remember("int8", Verdict::kept, false);
  EXPECT_NE(reason(trained_int8_step()).find("int8 costs no accuracy"), std::string::npos);
  context_.accuracy_note = "none";
  EXPECT_NE(reason(trained_int8_step()).find("no accuracy is judged"), std::string::npos);
}

TEST_F(Steps, RoundingsOfWhatIsSlowerAnywayAreNotTrained) {
  remember("int8", Verdict::not_kept, false);
  EXPECT_EQ(reason(trained_int8_step()), "int8 does not pay here, trained or not");
}

TEST_F(Steps, ATeacherTeachesWhatCompressionMade) {
  EXPECT_NE(reason(distill_step()).find("would teach itself"), std::string::npos);
  make_sparse();
  best_.trained_package = written(best_.trained, "sparse");
  EXPECT_NE(reason(distill_step()).find("no accuracy is lost"), std::string::npos);
  lose_accuracy();
  const Candidate taught = distill_step().apply(context_, best_).value();
  expect_same_zeros(taught.trained);
  EXPECT_NE(taught.trained.weights[0].get(0), best_.trained.weights[0].get(0));
  EXPECT_EQ(taught.deployment, best_.deployment);
}

TEST_F(Steps, ATeacherHelpsWhereHalfOfTheChannelsWereTooFew) {
  EXPECT_NE(reason(taught_halves_step()).find("a teacher is for"), std::string::npos);
  remember("half of the channels", Verdict::not_kept, true);
  const Candidate taught = taught_halves_step().apply(context_, best_).value();
  EXPECT_LT(taught.trained.weights[0].num_elements(), best_.trained.weights[0].num_elements());
}

TEST_F(Steps, FewValuesStayFew) {
  for (Tensor& weights : best_.trained.weights) {
    if (weights.rank() < 2) continue;
    weights = weights.clone();
    for (int64_t i = 0; i < weights.num_elements(); ++i)
      weights.set(i, std::clamp(std::round(weights.get(i) * 20), -4.0, 4.0) / 20);
  }
  lose_accuracy();
  const Candidate taught = distill_step().apply(context_, best_).value();
  EXPECT_LE(most_values(taught.trained, 64), 9);
}

TEST_F(Steps, InputsAreRoundedAsTheyComeWithoutData) {
  context_.has_data = false;
  context_.accuracy_note = "none";
  context_.options.target = OptimizeTarget::size;
  const Candidate dynamic = dynamic_int8_step().apply(context_, best_).value();
  EXPECT_EQ(dynamic.deployment.format, NumberFormat::dynamic_int8);
  EXPECT_NE(dynamic.note.find("products in int8, "), std::string::npos) << dynamic.note;
  EXPECT_NE(dynamic.note.find(" dB of its results"), std::string::npos) << dynamic.note;
  const Candidate weights = weight_only_int8_step().apply(context_, dynamic).value();
  EXPECT_EQ(weights.deployment.format, NumberFormat::weight_only_int8);
  EXPECT_NE(weights.note.find("products in int8, "), std::string::npos) << weights.note;
  EXPECT_NE(print(weights.served.program).find("weight_only_dot"), std::string::npos);
  EXPECT_EQ(reason(int8_step()), "there is no data to find ranges on");
  for (const DeploymentStep& step : {half_channels_step(), prune_80_step(), cluster_16_step()}) {
    Candidate gzipped = best_;
    gzipped.deployment.gzipped = true;
    const Status asked = step.against(context_, gzipped);
    ASSERT_FALSE(asked) << step.name;
    EXPECT_EQ(asked.error(), "no accuracy is judged, and this costs some") << step.name;
  }
}

}  // namespace
}  // namespace brisk
