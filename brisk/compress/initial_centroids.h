#pragma once

/// Where the clusters of a tensor's weights begin: TFMOT's initialisers under its names.

#include <span>
#include <string_view>
#include <vector>

#include "brisk/base/tensor.h"

namespace brisk {

enum class CentroidInitialization : uint8_t {
  linear,            ///< evenly from the least weight to the greatest
  density_based,     ///< of 30 points from the least to the greatest, by the share of weights below
  kmeans_plus_plus,  ///< Arthur and Vassilvitskii (2007): drawn far from those that are there
};
std::span<const std::string_view> enum_names(CentroidInitialization);

/// `clusters` values, f32. With `preserve_sparsity` one of them is 0, between those of the negative
/// weights and those of the positive ones, which share the rest by their numbers. k-means++ draws
/// from a stream of its own, equal in every run.
std::vector<float> initial_centroids(const Tensor& weights, int64_t clusters,
                                     CentroidInitialization how, bool preserve_sparsity);

}  // namespace brisk
