#include "brisk/compress/clustering.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "brisk/compress/magnitude_mask.h"
#include "brisk/compress/prunable_parameters.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

// The nearest centroid is found by comparing one after the other, elementwise: that becomes one
// loop over the weights, and the centroids' gradients one loop with a fold for each.

namespace brisk {
namespace {

/// Centroid `k` beside every element of `like`.
Value repeated_centroid(Value centroids, int64_t k, const Value& like) {
  return broadcast_to(reshape(slice_axis(centroids, 0, k, k + 1), {}), like.shape());
}

/// `number` beside every element of `like`.
Value repeated(const Value& like, double number) {
  return broadcast_to(like.builder->scalar(like.dtype(), number), like.shape());
}

template <typename T>
Tensor nearest(const Tensor& weights, std::span<const T> centroids) {
  Tensor result(weights.dtype(), weights.sizes());
  const auto from = weights.data<T>();
  const auto to = result.data<T>();
  for (size_t i = 0; i < from.size(); ++i) {
    T best = centroids[0];
    for (const T c : centroids)
      if (std::fabs(from[i] - c) < std::fabs(from[i] - best)) best = c;
    to[i] = best;
  }
  return result;
}

}  // namespace

std::span<const std::string_view> enum_names(GradientAggregation) {
  static constexpr std::array<std::string_view, 2> kNames = {"sum", "average"};
  return kNames;
}

Clustering::Clustering(const Model& model, ClusteringOptions options)
    : options_(std::move(options)) {
  const int64_t least = options_.preserve_sparsity ? 3 : 2;
  require(options_.number_of_clusters >= least && options_.number_of_clusters <= 64,
          "{} clusters: give {} to 64", options_.number_of_clusters, least);
  parameters_ = chosen_parameters(model, options_.exclude_layers, "cluster");
}

ClusterState Clustering::initial_state(const Tensor& weights) const {
  ClusterState state;
  state.centroids =
      Tensor::of<float>({options_.number_of_clusters},
                        initial_centroids(weights, options_.number_of_clusters,
                                          options_.initialization, options_.preserve_sparsity))
          .cast(weights.dtype());
  if (!options_.preserve_sparsity) return state;
  // The first of those nearest to zero stays there, and so do the weights that are nearest to it.
  int64_t zero = 0;
  for (int64_t k = 1; k < options_.number_of_clusters; ++k)
    if (std::fabs(state.centroids.get(k)) < std::fabs(state.centroids.get(zero))) zero = k;
  state.centroid_mask = Tensor(weights.dtype(), {options_.number_of_clusters});
  for (int64_t k = 0; k < options_.number_of_clusters; ++k)
    state.centroid_mask.set(k, k == zero ? 0 : 1);
  ClusterState free = state;
  free.mask = Tensor(weights.dtype(), weights.sizes());
  for (int64_t i = 0; i < weights.num_elements(); ++i) free.mask.set(i, 1);
  const Tensor first = clustered(weights, free);
  state.mask = Tensor(weights.dtype(), weights.sizes());
  for (int64_t i = 0; i < weights.num_elements(); ++i) state.mask.set(i, first.get(i) != 0 ? 1 : 0);
  return state;
}

Tensor Clustering::clustered(const Tensor& weights, const ClusterState& state) const {
  const bool sparse = options_.preserve_sparsity;
  const Tensor from = sparse ? masked(weights, state.mask) : weights;
  const Tensor centroids = sparse ? masked(state.centroids, state.centroid_mask) : state.centroids;
  if (weights.dtype() == DType::f64) return nearest<double>(from, centroids.data<double>());
  return nearest<float>(from, centroids.data<float>());
}

ClusteredValue Clustering::clustered(Value weights, const ClusterValues& state) const {
  const bool sparse = options_.preserve_sparsity;
  const Value from = sparse ? weights * state.mask : weights;
  const Value centroids = sparse ? state.centroids * state.centroid_mask : state.centroids;
  Value value = repeated_centroid(centroids, 0, from);
  Value distance = abs(from - value), index = repeated(from, 0);
  for (int64_t k = 1; k < options_.number_of_clusters; ++k) {
    const Value other = repeated_centroid(centroids, k, from);
    const Value away = abs(from - other);
    const Value closer = less(away, distance);
    value = select(closer, other, value);
    index = select(closer, repeated(from, static_cast<double>(k)), index);
    distance = minimum(away, distance);
  }
  return {value, index, centroids};
}

Clustering::Gradients Clustering::gradients(const ClusteredValue& clustered,
                                            const ClusterValues& state, Value gradient) const {
  std::vector<Value> sums;
  const Value none = repeated(gradient, 0);
  for (int64_t k = 0; k < options_.number_of_clusters; ++k) {
    const Value member = equal(clustered.index, repeated(gradient, static_cast<double>(k)));
    Value sum = reduce_sum(select(member, gradient, none));
    if (options_.aggregation == GradientAggregation::average)
      sum = sum / maximum(reduce_sum(cast(member, gradient.dtype())), repeated(sum, 1));
    sums.push_back(reshape(sum, {Extent(1)}));
  }
  Value centroids = concatenate(sums, 0);
  if (!options_.preserve_sparsity) return {centroids, gradient};
  return {centroids, gradient * state.mask};
}

std::string Clustering::describe() const {
  return fmt::format(
      "{} clusters, {}, gradients by {}{}, of {}", options_.number_of_clusters,
      enum_names(CentroidInitialization{})[static_cast<size_t>(options_.initialization)],
      enum_names(GradientAggregation{})[static_cast<size_t>(options_.aggregation)],
      options_.preserve_sparsity ? ", zeros preserved" : "", fmt::join(parameters_, " "));
}

}  // namespace brisk
