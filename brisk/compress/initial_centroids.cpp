#include "brisk/compress/initial_centroids.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "brisk/base/philox.h"

namespace brisk {
namespace {

std::vector<float> evenly_spaced(float first, float last, int64_t count) {
  std::vector<float> values;
  const float step = count > 1 ? (last - first) / static_cast<float>(count - 1) : 0;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(i + 1 == count && count > 1 ? last : first + step * static_cast<float>(i));
  return values;
}

std::vector<float> by_density(std::span<const float> weights, float least, float greatest,
                              int64_t clusters, bool preserve_sparsity) {
  constexpr int64_t kPoints = 30;
  const float gap = preserve_sparsity
                        ? std::min(0.01f, std::min(std::fabs(least), std::fabs(greatest)) / 2)
                        : 0.01f;
  const std::vector<float> points = evenly_spaced(least - gap, greatest + gap, kPoints);
  std::vector<float> below, centroids;
  for (const float point : points)
    below.push_back(static_cast<float>(std::count_if(weights.begin(), weights.end(),
                                                     [&](float w) { return w <= point; })) /
                    static_cast<float>(weights.size()));
  for (const float probability : evenly_spaced(0.01f, 1, clusters)) {
    const auto found = std::upper_bound(below.begin(), below.end(), probability);
    centroids.push_back(
        points[std::min<size_t>(static_cast<size_t>(found - below.begin()), points.size() - 1)]);
  }
  return centroids;
}

/// The first at random, each other with a probability by its squared distance to the nearest so
/// far.
std::vector<float> far_apart(std::span<const float> weights, int64_t clusters) {
  PhiloxSequence random(9);
  std::vector<float> centroids = {weights[random.next_below(weights.size())]};
  std::vector<double> distance(weights.size(), INFINITY);
  while (static_cast<int64_t>(centroids.size()) < clusters) {
    double total = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
      const double away = static_cast<double>(weights[i]) - centroids.back();
      distance[i] = std::min(distance[i], away * away);
      total += distance[i];
    }
    double place = random.next_unit() * total;
    size_t chosen = 0;
    while (chosen + 1 < weights.size() && place >= distance[chosen]) place -= distance[chosen++];
    centroids.push_back(weights[chosen]);
  }
  std::sort(centroids.begin(), centroids.end());
  return centroids;
}

std::vector<float> centroids_of(std::span<const float> weights, int64_t clusters,
                                CentroidInitialization how, bool preserve_sparsity) {
  if (clusters <= 0 || weights.empty()) return {};
  const auto [least, greatest] = std::minmax_element(weights.begin(), weights.end());
  switch (how) {
    case CentroidInitialization::density_based:
      return by_density(weights, *least, *greatest, clusters, preserve_sparsity);
    case CentroidInitialization::kmeans_plus_plus:
      return far_apart(weights, clusters);
    case CentroidInitialization::linear:
      break;
  }
  return evenly_spaced(*least, *greatest, clusters);
}

}  // namespace

std::span<const std::string_view> enum_names(CentroidInitialization) {
  static constexpr std::array<std::string_view, 3> kNames = {"linear", "density_based",
                                                             "kmeans_plus_plus"};
  return kNames;
}

std::vector<float> initial_centroids(const Tensor& weights, int64_t clusters,
                                     CentroidInitialization how, bool preserve_sparsity) {
  const Tensor narrow = weights.cast(DType::f32);
  const auto all = narrow.data<float>();
  if (!preserve_sparsity) return centroids_of(all, clusters, how, false);
  std::vector<float> negative, positive;
  for (const float w : all) {
    if (w < 0) negative.push_back(w);
    if (w > 0) positive.push_back(w);
  }
  const auto non_zero = static_cast<double>(negative.size() + positive.size());
  const int64_t below =
      non_zero > 0
          ? static_cast<int64_t>(std::nearbyint(static_cast<double>(clusters - 1) *
                                                static_cast<double>(negative.size()) / non_zero))
          : 0;
  std::vector<float> centroids = centroids_of(negative, below, how, true);
  centroids.push_back(0);
  const std::vector<float> above = centroids_of(positive, clusters - 1 - below, how, true);
  centroids.insert(centroids.end(), above.begin(), above.end());
  // One sign alone, or zeros alone, leave places that nothing comes near to.
  centroids.resize(static_cast<size_t>(clusters), 0);
  return centroids;
}

}  // namespace brisk
