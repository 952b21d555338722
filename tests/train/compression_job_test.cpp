#include <gtest/gtest.h>

#include "brisk/compress/sparsity_report.h"
#include "brisk/formats/package/package.h"
#include "brisk/nn/zoo/zoo.h"
#include "brisk/train/job.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_directory.h"

// Recipes in which several ways to make a model smaller meet.

namespace brisk::test {
namespace {

using testing::refusal;

/// A trained network as a package, which is the teacher as well as what is made smaller.
std::string written_package(const TemporaryDirectory& directory) {
  Model model = zoo::small_cnn({.classes = 1000});
  model.initialize(5);
  const std::string path = (directory / "model").string();
  write_package(path, {model.program,
                       model.weights,
                       model.name,
                       {},
                       R"({"mean": [0], "std": [255], "size": [28, 28, 1]})",
                       "",
                       false})
      .value();
  return path;
}

Recipe recipe_of(const std::string& more) {
  return parse_recipe(
             "data: {train: {name: synthetic, size: [28, 28], channels: 1, take: 16}}\n"
             "batch_size: 4\nepochs: 2\nthreads: 1\n" +
                 more,
             "recipe.yaml", "/srv/job")
      .value();
}

TEST(CompressionJob, FewerChannelsATeacherAndMasksGoTogether) {
  const TemporaryDirectory directory;
  const std::string package = written_package(directory);
  const Job job = make_job(recipe_of(
      fmt::format("model: {0}\nprune_channels: {{sparsity: 0.5}}\n"
                  "distill: {{teacher: {0}, temperature: 4, alpha: 0.25}}\n"
                  "prune: {{name: constant_sparsity, target_sparsity: 0.75, frequency: 1}}\n",
                  package)));
  ASSERT_EQ(job.channel_groups.size(), 3u);
  EXPECT_EQ(job.channel_groups[1].kept, 32);
  EXPECT_EQ(job.trainer.distillation->options().temperature, 4);
  EXPECT_EQ(job.trainer.distillation->options().alpha, 0.25);
  Trainer trainer(job.model, job.trainer);
  EXPECT_EQ(trainer.fit(job.train, {.epochs = 2}).steps, 8);
  const SparsityReport report = sparsity_report(trainer.model());
  EXPECT_EQ(report.elements, 9 * 16 + 9 * 16 * 32 + 25 * 32 * 1000);
  EXPECT_NEAR(static_cast<double>(report.zeros) / static_cast<double>(report.elements), 0.75, 1e-3);
}

TEST(CompressionJob, RefusesWhatDoesNotFit) {
  const TemporaryDirectory directory;
  const std::string package = written_package(directory);
  const auto says = [&](const std::string& more, const std::string& part) {
    const std::string text = refusal([&] { make_job(recipe_of(more)); });
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  says("model: {name: small_cnn, classes: 1000}\nprune_channels: {}\n", "has no weights that tell");
  says(fmt::format("model: {{name: mlp, classes: 10}}\ndistill: {{teacher: {}}}\n", package),
       "must give scores of the same classes");
  says(fmt::format("model: {{name: mlp, classes: 1000}}\nstd: [1]\ndistill: {{teacher: {}}}\n",
                   package),
       "both see the same ones");
  says("model: {name: mlp, classes: 1000}\ndistill: {teacher: /no/such/model}\n", "/no/such/model");
  EXPECT_NE(refusal([] { recipe_of("distill: {alpha: 0.5}\n"); }).find("distill needs a teacher"),
            std::string::npos);
}

}  // namespace
}  // namespace brisk::test
