#include "brisk/compress/clustering.h"

#include <gtest/gtest.h>

#include <set>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/train/trainer.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_directory.h"
#include "tests/train/tfmot_network.h"
#include "tests/train/tiny_training.h"

// Training with clustered weights against trainings that TFMOT clustered
// (tests/oracle/clustering_training.py).

namespace brisk::test {
namespace {

const Json& tfmot() {
  static const Json json = parse_json(read_file(std::filesystem::path(BRISK_SOURCE_DIR) /
                                                "tests/compress/tfmot_clustering.json")
                                          .value(),
                                      "tfmot_clustering.json")
                               .value();
  return json;
}

CentroidInitialization initialization_of(const Json& json) {
  return json.at("init") == "linear" ? CentroidInitialization::linear
                                     : CentroidInitialization::density_based;
}

Tensor tensor_of(const Json& json, std::vector<int64_t> sizes) {
  return Tensor::of<float>(std::move(sizes), json.get<std::vector<float>>());
}

TEST(Clustering, BeginsWithTfmotsCentroids) {
  for (const Json& json : tfmot().at("centroids")) {
    const std::vector<float> found =
        initial_centroids(tensor_of(json.at("weights"), json.at("sizes")), json.at("clusters"),
                          initialization_of(json), json.at("preserve_sparsity"));
    const auto wanted = json.at("centroids").get<std::vector<float>>();
    ASSERT_EQ(found.size(), wanted.size()) << json.at("name");
    for (size_t i = 0; i < wanted.size(); ++i)
      EXPECT_NEAR(found[i], wanted[i], 2e-6) << json.at("name") << " " << i;
  }
}

class TfmotClustering : public ::testing::TestWithParam<size_t> {};

TEST_P(TfmotClustering, TrainsCentroidsAndWeightsAlike) {
  const Json& json = tfmot().at("training").at(GetParam());
  const Model first = tfmot_network(json.at("first"));
  TrainerOptions options;
  options.optimizer = sgd({.learning_rate = 0.05, .momentum = 0.9});
  options.clustering = std::make_shared<const Clustering>(
      first, ClusteringOptions{.number_of_clusters = json.at("clusters"),
                               .initialization = initialization_of(json),
                               .aggregation = json.at("aggregation") == "avg"
                                                  ? GradientAggregation::average
                                                  : GradientAggregation::sum,
                               .preserve_sparsity = json.at("preserve_sparsity")});
  const Program step = make_training_step(
      first, {.optimizer = options.optimizer, .clustering = options.clustering}, json.at("batch"));
  Trainer trainer(first, options);
  const Dataset dataset = tfmot_examples(json);
  FitOptions fit;
  fit.epochs = json.at("epochs");
  int epochs = 0;
  fit.callbacks.on_epoch = [&](const StepReport& report, const Metrics&) {
    const Model model = trainer.model();
    for (const auto& [layer, wanted] :
         json.at("after_epoch").at(static_cast<size_t>(report.epoch)).items()) {
      const std::string kernel = layer + "/kernel";
      const auto agrees = [&](const char* what, const Tensor& found) {
        EXPECT_LT(relative_difference(tensor_of(wanted.at(what), found.sizes()), found), 2e-5)
            << what << " of " << layer << " after epoch " << report.epoch;
      };
      Tensor centroids = trainer.step().state(step.state_index(cluster_name(kernel, "centroids")));
      if (options.clustering->options()
              .preserve_sparsity)  // TFMOT's is set to zero when it is looked at
        centroids =
            masked(centroids,
                   trainer.step().state(step.state_index(cluster_name(kernel, "centroid_mask"))));
      agrees("centroids", centroids);
      agrees("beneath", trainer.step().state(step.state_index(kernel)));
      agrees("kernel", model.weights[model.program.state_index(kernel)]);
      agrees("bias", model.weights[model.program.state_index(layer + "/bias")]);
    }
    ++epochs;
  };
  trainer.fit(dataset, fit);
  EXPECT_EQ(epochs, 3);
}

INSTANTIATE_TEST_SUITE_P(, TfmotClustering, ::testing::Values(0, 1, 2), [](const auto& info) {
  return tfmot().at("training").at(info.param).at("name").template get<std::string>();
});

std::vector<Tensor> train(const Model& model, const TrainerOptions& options,
                          const std::filesystem::path& directory, bool resume, int64_t stop_after) {
  std::atomic<bool> stop = false;
  Trainer trainer(model, options);
  FitOptions fit{.epochs = 3, .directory = directory, .resume = resume, .stop = &stop};
  fit.callbacks.on_step = [&](const StepReport& report) { stop = report.step >= stop_after; };
  trainer.fit(tiny_dataset(59).shuffle(32).batch(8), fit);
  return trainer.step().state();
}

TrainerOptions clustered_options(const Model& model, const ClusteringOptions& clustering) {
  TrainerOptions options;
  options.optimizer = adam({.learning_rate = 0.005});
  options.compile.threads = 1;
  options.clustering = std::make_shared<const Clustering>(model, clustering);
  return options;
}

TEST(Clustering, AResumedTrainingHasTheSameCentroidsAndWeights) {
  const Model model = tiny_cnn(true);
  const TrainerOptions options = clustered_options(model, {.number_of_clusters = 4});
  const TemporaryDirectory whole, parts;
  const std::vector<Tensor> wanted = train(model, options, whole.path(), false, 1 << 30);
  train(model, options, parts.path(), false, 10);
  const std::vector<Tensor> resumed = train(model, options, parts.path(), true, 1 << 30);
  ASSERT_EQ(wanted.size(), resumed.size());
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(bit_equal(wanted[i], resumed[i])) << i;
}

class InClusteringPrecision : public ::testing::TestWithParam<Precision> {};

TEST_P(InClusteringPrecision, WhatIsHandedOutHasFewValuesAndKeepsItsZeros) {
  Model model = tiny_cnn(true);
  Tensor& kernel = model.weights[model.program.state_index("conv2d_1/kernel")];
  for (int64_t i = 0; i < kernel.num_elements(); i += 2) kernel.set(i, 0);
  TrainerOptions options =
      clustered_options(model, {.number_of_clusters = 6, .preserve_sparsity = true});
  options.precision = GetParam();
  Trainer trainer(model, options);
  trainer.fit(tiny_dataset(64).batch(16), {.epochs = 2});
  const Model trained = trainer.model();
  for (const std::string& name : options.clustering->parameters()) {
    const Tensor& weights = trained.weights[trained.program.state_index(name)];
    std::set<double> values;
    for (int64_t i = 0; i < weights.num_elements(); ++i) values.insert(weights.get(i));
    EXPECT_LE(values.size(), 6u) << name;
    EXPECT_GE(values.size(), 3u) << name;
  }
  const Tensor& after = trained.weights[trained.program.state_index("conv2d_1/kernel")];
  for (int64_t i = 0; i < after.num_elements(); i += 2) EXPECT_EQ(after.get(i), 0) << i;
}

INSTANTIATE_TEST_SUITE_P(, InClusteringPrecision,
                         ::testing::Values(Precision::float32, Precision::float64,
                                           Precision::mixed_bfloat16));

TEST(Clustering, RefusesWhatCannotBeClustered) {
  const Model model = tiny_cnn(false);
  const auto says = [](const auto& action, const std::string& part) {
    const std::string text = testing::refusal(action);
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  says([&] { Clustering(model, {.number_of_clusters = 1}); }, "1 clusters: give 2 to 64");
  says([&] { Clustering(model, {.number_of_clusters = 2, .preserve_sparsity = true}); },
       "give 3 to 64");
  says([&] { Clustering(model, {.exclude_layers = {"kernel"}}); }, "no parameter to cluster");
  StepOptions both{.optimizer = adam(),
                   .pruning = std::make_shared<const Pruning>(model, PruningOptions{}),
                   .clustering = std::make_shared<const Clustering>(model, ClusteringOptions{})};
  says([&] { make_training_step(model, both, 4); }, "either prunes or clusters");
}

}  // namespace
}  // namespace brisk::test
