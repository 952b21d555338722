#include "brisk/cli/fine_tune.h"
#include "brisk/cli/verb.h"

namespace brisk::cli {
namespace {

struct ClusterOptions {
  FineTuneOptions training{.output = "runs/clustered", .learning_rate = 1e-4};
  int64_t clusters = 16;
  std::string initialization = "kmeans_plus_plus";
  bool preserve_sparsity = false;
  std::vector<std::string> exclude_layers;
};

std::vector<std::string> initializations() {
  const auto names = enum_names(CentroidInitialization{});
  return {names.begin(), names.end()};
}

int cluster(const ClusterOptions& options) {
  return fine_tune(options.training, "cluster", [&](Recipe& recipe) {
    ClusterRecipe& cluster = recipe.cluster;
    cluster.number_of_clusters = options.clusters;
    const std::vector<std::string> names = initializations();
    cluster.cluster_centroids_init = static_cast<CentroidInitialization>(
        std::find(names.begin(), names.end(), options.initialization) - names.begin());
    cluster.preserve_sparsity = options.preserve_sparsity;
    cluster.exclude_layers = options.exclude_layers;
  });
}

}  // namespace

void add_cluster(CLI::App& app, int& code) {
  auto options = std::make_shared<ClusterOptions>();
  CLI::App* verb = app.add_subcommand(
      "cluster", "Train a model on with weights that share few values, and compare");
  verb->footer(
      "Example:\n  brisk cluster runs/first/model --data fashion_mnist --clusters 16 --gzip\n"
      "  brisk cluster runs/pruned/model --data fashion_mnist --preserve_sparsity");
  verb->add_option("model", options->training.model, "A model package")->required();
  add_fine_tune_options(*verb, options->training);
  verb->add_option("--clusters", options->clusters, "Values in each tensor")
      ->check(CLI::Range(2, 64));
  verb->add_option("--initialization", options->initialization, "Where the values begin")
      ->check(CLI::IsMember(initializations()));
  verb->add_flag("--preserve_sparsity", options->preserve_sparsity,
                 "One value is 0, and what is near it stays there: for a pruned model");
  verb->add_option("--exclude_layers", options->exclude_layers,
                   "Parts of names of parameters that stay as they are");
  verb->callback([options, &code] { code = cluster(*options); });
}

}  // namespace brisk::cli
