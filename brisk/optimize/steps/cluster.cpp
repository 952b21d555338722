#include "brisk/compress/clustering.h"
#include "brisk/optimize/steps/steps.h"
#include "brisk/optimize/train_on.h"
#include "brisk/optimize/weight_values.h"

// Few values are worth their room on disk when the package is gzipped. A model with zeros keeps
// them.

namespace brisk {
namespace {

constexpr double kCentroidSlowdown = 2;  ///< a centroid after another, for each weight

double cluster_seconds(const OptimizeContext& context, const Candidate&) {
  return train_on_seconds(context, kCentroidSlowdown);
}

Model clustered_once(Model model, const ClusteringOptions& options) {
  const Clustering clustering(model, options);
  for (const std::string& name : clustering.parameters()) {
    Tensor& weights = model.weights[model.program.state_index(name)];
    weights = clustering.clustered(weights, clustering.initial_state(weights));
  }
  return model;
}

Status can_be_clustered(const OptimizeContext& context, const Candidate& best, int64_t number) {
  if (!best.deployment.gzipped) return fail("without gzip shared values take the room of others");
  if (most_values(best.trained, number) <= number)
    return fail("no tensor has more than {} values already", number);
  return can_change_weights(context);
}

Result<Candidate> cluster(OptimizeContext& context, const Candidate& best, const std::string& step,
                          int64_t number) {
  ClusteringOptions options{.number_of_clusters = number};
  options.preserve_sparsity = share_of_zeros(best.trained) > 0.25;
  const auto share_values = [&](TrainerOptions& trainer, const Model& model, int64_t) {
    trainer.clustering = std::make_shared<const Clustering>(model, options);
  };
  return train_on_or_once(context, best,
                          {.step = step,
                           .learning_rate = 1e-4,
                           .slowdown = kCentroidSlowdown,
                           .configure = share_values},
                          [&](const Model& model) { return clustered_once(model, options); });
}

}  // namespace

DeploymentStep cluster_16_step() {
  return {"16 clusters",
          [](OptimizeContext& context, const Candidate& best) {
            return cluster(context, best, "16 clusters", 16);
          },
          cluster_seconds,
          [](const OptimizeContext& context, const Candidate& best) {
            return can_be_clustered(context, best, 16);
          }};
}

DeploymentStep cluster_32_step() {
  return {"32 clusters",
          [](OptimizeContext& context, const Candidate& best) {
            return cluster(context, best, "32 clusters", 32);
          },
          cluster_seconds,
          [](const OptimizeContext& context, const Candidate& best) {
            return can_be_clustered(context, best, 32);
          }};
}

}  // namespace brisk
