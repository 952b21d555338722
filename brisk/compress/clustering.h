#pragma once

/// Weights that share few values while a model is trained: TFMOT's `cluster_weights`. Each
/// clustered parameter has centroids, which are trained with it; the step computes with the
/// centroid nearest to each weight. The centroid's gradient is the sum (or mean) over its weights,
/// and the same gradient goes straight through to the weights themselves, so that they may change
/// their cluster.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "brisk/compress/initial_centroids.h"
#include "brisk/ir/builder.h"
#include "brisk/nn/model.h"

namespace brisk {

enum class GradientAggregation : uint8_t { sum, average };
std::span<const std::string_view> enum_names(GradientAggregation);

struct ClusteringOptions {
  int64_t number_of_clusters = 16;  ///< 2 to 64; above 2 where zeros are preserved
  CentroidInitialization initialization = CentroidInitialization::kmeans_plus_plus;
  GradientAggregation aggregation = GradientAggregation::sum;
  bool preserve_sparsity = false;  ///< what is zero at first, or near it, stays zero
  std::vector<std::string> exclude_layers =
      {};  ///< parts of names of parameters that stay as they are
};

/// What a parameter's clustering is made of.
struct ClusterState {
  Tensor centroids;      ///< [number_of_clusters], of the parameter's type
  Tensor centroid_mask;  ///< 0 at the centroid that stays zero, else 1; where zeros are preserved
  Tensor mask;           ///< like the parameter, 0 where it stays zero; where zeros are preserved
};

/// The same as values of a graph; the last two are undefined where zeros are not preserved.
struct ClusterValues {
  Value centroids, centroid_mask, mask;
};

/// A parameter as the step computes with it.
struct ClusteredValue {
  Value value;      ///< the nearest centroids
  Value index;      ///< which ones, as whole numbers of the parameter's type
  Value centroids;  ///< what the optimizer updates: with the zero one at zero
};

class Clustering {
 public:
  /// Refused where no parameter of `model` is left to be clustered.
  Clustering(const Model& model, ClusteringOptions options);

  bool clusters(std::string_view parameter) const { return parameters_.contains(parameter); }
  const std::set<std::string, std::less<>>& parameters() const { return parameters_; }
  const ClusteringOptions& options() const { return options_; }

  ClusterState initial_state(const Tensor& weights) const;
  /// The nearest centroids of `weights`; of two that are equally near, the first.
  Tensor clustered(const Tensor& weights, const ClusterState& state) const;

  ClusteredValue clustered(Value weights, const ClusterValues& state) const;
  /// The gradients of the centroids and of the weights themselves, from that of the clustered
  /// value.
  struct Gradients {
    Value centroids, weights;
  };
  Gradients gradients(const ClusteredValue& clustered, const ClusterValues& state,
                      Value gradient) const;

  /// What decides the course of a training, in words.
  std::string describe() const;

 private:
  ClusteringOptions options_;
  std::set<std::string, std::less<>> parameters_;
};
using ClusteringPtr = std::shared_ptr<const Clustering>;

}  // namespace brisk
