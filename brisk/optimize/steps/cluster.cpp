#include "brisk/compress/clustering.h"
#include "brisk/optimize/deploy.h"
#include "brisk/optimize/steps/steps.h"
#include "brisk/optimize/train_on.h"
#include "brisk/optimize/weight_values.h"

// Few values are worth their room on disk when the package is gzipped. A model with zeros keeps
// them.

namespace brisk {
namespace {

double cluster_seconds(const OptimizeContext& context, const Candidate&) {
  return context.judges_accuracy() ? train_on_seconds(context, 2) : 0;
}

Candidate clustered_once(const Candidate& best, const Clustering& clustering) {
  Candidate clustered = best;
  for (const std::string& name : clustering.parameters()) {
    Tensor& weights = clustered.trained.weights[best.trained.program.state_index(name)];
    weights = clustering.clustered(weights, clustering.initial_state(weights));
  }
  clustered.trained_package.clear();
  return clustered;
}

Result<Candidate> cluster(OptimizeContext& context, const Candidate& best, const std::string& step,
                          int64_t number) {
  if (!best.deployment.gzipped) return fail("without gzip shared values take the room of others");
  ClusteringOptions options{.number_of_clusters = number};
  options.preserve_sparsity = share_of_zeros(best.trained) > 0.25;
  const Clustering clustering(best.trained, options);
  if (most_values(best.trained, number) <= number)
    return fail("no tensor has more than {} values already", number);
  Result<Candidate> clustered =
      !context.judges_accuracy()
          ? Result<Candidate>(clustered_once(best, clustering))
          : train_on(context, best,
                     {.step = step,
                      .learning_rate = 1e-4,
                      .slowdown = 2,
                      .configure = [&](TrainerOptions& trainer, const Model& model, int64_t) {
                        trainer.clustering = std::make_shared<const Clustering>(model, options);
                      }});
  if (clustered) deploy(context, *clustered);
  return clustered;
}

}  // namespace

DeploymentStep cluster_16_step() {
  return {"16 clusters", cluster_seconds, [](OptimizeContext& context, const Candidate& best) {
            return cluster(context, best, "16 clusters", 16);
          }};
}

DeploymentStep cluster_32_step() {
  return {"32 clusters", cluster_seconds, [](OptimizeContext& context, const Candidate& best) {
            return cluster(context, best, "32 clusters", 32);
          }};
}

}  // namespace brisk
