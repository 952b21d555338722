// Optimizations from end to end, on three bands of which one is bright. What is fast is no test's
// business: figures are looked at for being there, decisions for being kept.

#include "brisk/optimize/optimize.h"

#include <gtest/gtest.h>

#include <fstream>

#include "brisk/base/file.h"
#include "brisk/formats/package/package.h"
#include "brisk/optimize/step.h"
#include "tests/optimize/bands.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

using testing::refusal;

class OptimizeRun : public ::testing::Test {
 protected:
  void SetUp() override {
    test::write_bands(place_.path(), "train", 256, 1);
    test::write_bands(place_.path(), "test", 64, 2);
    write_recipe("  validation: {idx: {images: test-images, labels: test-labels}}\n", "");
  }

  void write_recipe(const std::string& validation, const std::string& more) {
    std::ofstream(place_ / "recipe.yaml")
        << "model: {name: mlp, classes: 3}\ndata:\n  train: {idx: {images: train-images, labels: "
           "train-labels}}\n"
        << validation << "batch_size: 32\nepochs: 2\nseed: 3\n"
        << more;
  }

  OptimizeOptions options() const {
    return {.model = (place_ / "recipe.yaml").string(),
            .output = place_ / "out",
            .rounds = 3,
            .epochs = 1,
            .threads = 1};
  }

  test::TemporaryDirectory place_;
};

const StepRow* row(const OptimizationReport& report, StepPhase phase, const std::string& step) {
  for (const StepRow& row : report.rows)
    if (row.phase == phase && row.step == step) return &row;
  return nullptr;
}

TEST_F(OptimizeRun, MeasuresEachStepAndLeavesTheBestPackage) {
  const Optimization done = optimize(options());
  const OptimizationReport& report = done.report;
  ASSERT_FALSE(done.stopped);
  EXPECT_EQ(report.rows.size(), training_steps().size() + 1 + deployment_steps({}).size());
  for (const TrainingStep& step : training_steps())
    EXPECT_NE(row(report, StepPhase::training, step.name), nullptr) << step.name;
  for (const DeploymentStep& step : deployment_steps({})) {
    const StepRow* found = row(report, StepPhase::deployment, step.name);
    ASSERT_NE(found, nullptr) << step.name;
    if (found->verdict == Verdict::not_tried) {
      EXPECT_NE(found->why, "") << step.name;
      continue;
    }
    EXPECT_GT(found->figures.latency->median, 0);
    EXPECT_GT(found->figures.rate->median, 0);
    EXPECT_GT(found->figures.first_milliseconds.value(), 0);
    EXPECT_EQ(found->figures.accuracy->examples, 64);
    EXPECT_LE(found->figures.latency->low, found->figures.latency->high);
  }
  const StepRow& halved = *row(report, StepPhase::deployment, "half of the channels");
  EXPECT_NE(halved.verdict, Verdict::not_tried) << halved.why;
  EXPECT_LT(halved.figures.bytes, row(report, StepPhase::deployment, "fusion")->figures.bytes);
  EXPECT_EQ(row(report, StepPhase::deployment, "fusion")->verdict, Verdict::kept)
      << "packages are compiled with it, whatever was measured";
  const Package best = read_package(report.package).value();
  EXPECT_NE(best.optimization.find("\"optimize\""), std::string::npos);
  EXPECT_NE(best.preprocessing, "");
  EXPECT_TRUE(std::filesystem::exists(place_ / "out/report.html"));
  const Json json =
      parse_json(read_file(place_ / "out/report.json").value(), "report.json").value();
  EXPECT_EQ(json.at("steps").size(), report.rows.size());
  EXPECT_EQ(json.at("statement"), report.statement);
  EXPECT_FALSE(report.layers.empty());
}

TEST_F(OptimizeRun, TheBestPackageIsWhatWasMeasured) {
  OptimizeOptions o = options();
  o.target = OptimizeTarget::size;
  const OptimizationReport report = optimize(o).report;
  const StepRow* last = nullptr;
  for (const StepRow& r : report.rows)
    if (r.phase == StepPhase::deployment &&
        (r.verdict == Verdict::start || r.verdict == Verdict::kept))
      last = &r;
  ASSERT_NE(last, nullptr);
  const Package package = read_package(report.package).value();
  EXPECT_TRUE(package.gzipped) << "smaller in any case";
  const Model model{package.name, package.program, package.weights, {}};
  Recipe recipe = read_recipe(place_ / "recipe.yaml").value();
  const Metrics metrics =
      Trainer(model, {}).evaluate(open_images(recipe.validation, recipe, false));
  EXPECT_EQ(metrics.at("accuracy"), last->figures.accuracy->value);
  EXPECT_GE(last->figures.accuracy->value,
            row(report, StepPhase::deployment, "f32, a kernel an op")->figures.accuracy->value -
                0.005 - 1e-9);
}

TEST_F(OptimizeRun, GoesOnWhereItWasInterrupted) {
  // Stopped before each step in turn: what was measured stays as it was.
  std::atomic<bool> stop{false};
  int64_t steps = 0;
  std::vector<StepRow> before;
  OptimizeOptions o = options();
  for (int round = 0;; ++round) {
    ASSERT_LT(round, 100);
    steps = 0, stop = false;
    OptimizeObserver observer{.stop = &stop};
    observer.on_message = [&](const std::string&) {
      if (++steps == 2) stop = true;  // in the second thing that begins
    };
    o.resume = round > 0;
    const Optimization done = optimize(o, observer);
    if (done.stopped) continue;
    before = done.report.rows;
    break;
  }
  EXPECT_EQ(before.size(), training_steps().size() + 1 + deployment_steps({}).size());
  o.resume = true;
  const Optimization again = optimize(o);
  ASSERT_EQ(again.report.rows.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(to_json(again.report.rows[i]), to_json(before[i])) << before[i].step;
}

TEST_F(OptimizeRun, DoesNotGoOnWithSomethingElse) {
  OptimizeOptions o = options();
  o.time_budget = 1e-3;
  optimize(o);
  EXPECT_NE(refusal([&] {
              optimize(o);
            }).find("holds an earlier optimization: go on with it by --resume"),
            std::string::npos);
  o.resume = true;
  o.max_drop = 2;
  EXPECT_NE(refusal([&] { optimize(o); }).find("whose max_drop was 0.5, but now it is 2"),
            std::string::npos)
      << refusal([&] { optimize(o); });
}

TEST_F(OptimizeRun, ASpentBudgetNamesWhatWasNotTried) {
  OptimizeOptions o = options();
  o.time_budget = 1e-3;
  const OptimizationReport report = optimize(o).report;
  EXPECT_EQ(row(report, StepPhase::deployment, "f32, a kernel an op")->verdict, Verdict::start)
      << "the model as it came is always measured";
  for (const std::string step : {"fusion", "int8", "weights gzipped"})
    EXPECT_EQ(row(report, StepPhase::deployment, step)->why, "the time budget is spent") << step;
  EXPECT_NE(report.statement.find("Not tried in"), std::string::npos) << report.statement;
  EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(report.package) / "graph.txt"));
}

TEST_F(OptimizeRun, OfAPackageNeedsHeldOutData) {
  OptimizeOptions o = options();
  o.time_budget = 1e-3;
  const std::string package = optimize(o).report.package;
  o = {.model = package, .output = place_ / "again"};
  EXPECT_NE(refusal([&] { optimize(o); }).find("give --data"), std::string::npos);
  std::filesystem::create_directories(place_ / "photos/a");
  o.data = (place_ / "photos").string();
  EXPECT_NE(refusal([&] { optimize(o); }).find("give --validation"), std::string::npos);
}

TEST_F(OptimizeRun, RefusesDataThatDoesNotFitAndWeightsThatAreNoNumbers) {
  Model model = test::bands_model(4);
  const auto recipe_of = [&](const std::string& validation) {
    write_package(place_ / "package", {model.program, model.weights, model.name, {}, "", {}})
        .value();
    std::ofstream(place_ / "recipe.yaml")
        << "model: {package: package}\ndata:\n  train: {idx: {images: train-images, labels: "
           "train-labels}}\n  validation: {idx: {images: "
        << validation << "-images, labels: test-labels}}\nbatch_size: 32\n";
  };
  std::string images = read_file(place_ / "test-images").value();
  images[11] = 8, images[15] = 9;  // the other way round
  std::ofstream(place_ / "turned-images", std::ios::binary) << images;
  recipe_of("turned");
  EXPECT_NE(refusal([&] { optimize(options()); }).find("turned-images does not fit: "),
            std::string::npos)
      << refusal([&] { optimize(options()); });
  EXPECT_FALSE(std::filesystem::exists(place_ / "out/journal.json")) << "before any time is spent";
  model.weights[0].set(5, std::nan(""));
  write_package(place_ / "package", {model.program, model.weights, model.name, {}, "", {}}).value();
  OptimizeOptions o = options();
  o.model = (place_ / "package").string();
  o.data = o.validation = "synthetic";
  EXPECT_NE(refusal([&] { optimize(o); }).find("'dense/kernel' has the value nan"),
            std::string::npos)
      << refusal([&] { optimize(o); });
}

TEST_F(OptimizeRun, RefusesWhatCannotBeJudged) {
  write_recipe("", "");
  EXPECT_NE(refusal([&] { optimize(options()); }).find("names no data.validation"),
            std::string::npos);
  write_recipe("  validation: {idx: {images: test-images, labels: test-labels}}\n",
               "prune: polynomial_decay\n");
  EXPECT_NE(refusal([&] { optimize(options()); }).find("prunes, clusters or quantizes"),
            std::string::npos);
  write_recipe("  validation: {idx: {images: test-images, labels: test-labels}}\n", "");
  test::write_bands(place_.path(), "train", 20, 1);
  EXPECT_NE(refusal([&] {
              optimize(options());
            }).find("has 20 examples, but ranges of values need 32 at least"),
            std::string::npos);
  test::write_bands(place_.path(), "train", 40, 1);
  // Found before any time is spent.
  test::write_bands(place_.path(), "test", 0, 1);
  EXPECT_NE(refusal([&] { optimize(options()); }).find("test-images has no examples"),
            std::string::npos)
      << refusal([&] { optimize(options()); });
  test::write_bands(place_.path(), "test", 64, 2);
  OptimizeOptions o = options();
  o.batch_size = 64;
  EXPECT_NE(refusal([&] { optimize(o); }).find("is no full batch of 64"), std::string::npos);
  o.skip = {"int9"};
  EXPECT_NE(refusal([&] { optimize(o); }).find("there is no step 'int9'; did you mean 'int8'?"),
            std::string::npos)
      << refusal([&] { optimize(o); });
}

}  // namespace
}  // namespace brisk
