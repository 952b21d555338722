#include "brisk/nn/layers/shape.h"

#include "brisk/nn/layers/resample.h"
#include "brisk/nn/layers/spatial_input.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

/// {before, after} of each spatial axis.
std::vector<std::pair<int64_t, int64_t>> edge_pairs(const std::vector<std::vector<int64_t>>& edges,
                                                    std::string_view what, int64_t rank) {
  std::vector<std::pair<int64_t, int64_t>> pairs;
  require(std::ssize(edges) == rank, "{} must have {} pairs, but has {}", what, rank, edges.size());
  for (const std::vector<int64_t>& edge : edges) {
    require(edge.size() == 2 && edge[0] >= 0 && edge[1] >= 0, "{} must have pairs of numbers >= 0",
            what);
    pairs.emplace_back(edge[0], edge[1]);
  }
  return pairs;
}
std::vector<std::pair<int64_t, int64_t>> edge_pairs(const std::vector<int64_t>& edges,
                                                    std::string_view what, int64_t) {
  require(edges.size() == 2 && edges[0] >= 0 && edges[1] >= 0, "{} must be two numbers >= 0", what);
  return {{edges[0], edges[1]}};
}

/// Adds (sign 1) or drops (sign -1) elements at the edges of the spatial axes.
Value pad_edges(LayerContext& context, Value x,
                const std::vector<std::pair<int64_t, int64_t>>& edges, int64_t sign,
                const std::string& data_format) {
  const Value last = to_channels_last(x, std::ssize(edges), data_format);
  std::vector<int64_t> low = {0}, high = {0};
  for (const auto& [before, after] : edges) {
    low.push_back(sign * before);
    high.push_back(sign * after);
  }
  low.push_back(0);
  high.push_back(0);
  return from_channels_last(pad(last, context.builder().scalar(x.dtype(), 0), low, high),
                            data_format);
}

}  // namespace

Value Flatten::build(LayerContext&, std::span<const Value> inputs) const {
  Value x = inputs[0];
  if (x.rank() > 2) x = to_channels_last(x, x.rank() - 2, data_format);
  return reshape(x, Shape{x.shape()[0], Extent(-1)});
}

Value Reshape::build(LayerContext&, std::span<const Value> inputs) const {
  Shape shape{inputs[0].shape()[0]};
  for (const int64_t extent : target_shape) shape.push_back(Extent(extent));
  return reshape(inputs[0], shape);
}

Value Permute::build(LayerContext&, std::span<const Value> inputs) const {
  require(std::ssize(dims) + 1 == inputs[0].rank(),
          "dims names {} axes, but the input has {} beside the batch", dims.size(),
          inputs[0].rank() - 1);
  std::vector<int64_t> order = {0};
  order.insert(order.end(), dims.begin(), dims.end());
  return transpose(inputs[0], order);
}

Value RepeatVector::build(LayerContext&, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  require(x.rank() == 2, "the input must be [batch, features], but is {}", x.type().to_string());
  require(n > 0, "n is {}, but must be positive", n);
  return broadcast(x, {x.shape()[0], n, x.shape()[1]}, {0, 2});
}

template <int kRank>
Value ZeroPadding<kRank>::build(LayerContext& context, std::span<const Value> inputs) const {
  return pad_edges(context, inputs[0], edge_pairs(padding, "padding", kRank), 1, data_format);
}

template <int kRank>
Value Cropping<kRank>::build(LayerContext& context, std::span<const Value> inputs) const {
  return pad_edges(context, inputs[0], edge_pairs(cropping, "cropping", kRank), -1, data_format);
}

template <int kRank>
Value UpSampling<kRank>::build(LayerContext&, std::span<const Value> inputs) const {
  require_positive("size", size, kRank);
  const Value x = to_channels_last(inputs[0], kRank, data_format);
  if (interpolation != "nearest") {
    const Interpolation by = interpolation_from_keras(interpolation);
    Value y = x;
    for (int64_t axis = 0; axis < kRank; ++axis)
      y = resample(y, axis + 1, x.shape().size(axis + 1) * size[static_cast<size_t>(axis)], by);
    return from_channels_last(y, data_format);
  }
  Shape spread{x.shape()[0]}, joined{x.shape()[0]};
  std::vector<int64_t> axes = {0};
  for (int64_t axis = 0; axis < kRank; ++axis) {
    const int64_t extent = x.shape().size(axis + 1), times = size[static_cast<size_t>(axis)];
    axes.push_back(spread.rank());
    spread.push_back(Extent(extent));
    spread.push_back(Extent(times));
    joined.push_back(Extent(extent * times));
  }
  axes.push_back(spread.rank());
  spread.push_back(x.shape()[kRank + 1]);
  joined.push_back(x.shape()[kRank + 1]);
  return from_channels_last(reshape(broadcast(x, spread, axes), joined), data_format);
}

template struct ZeroPadding<1>;
template struct ZeroPadding<2>;
template struct ZeroPadding<3>;
template struct Cropping<1>;
template struct Cropping<2>;
template struct Cropping<3>;
template struct UpSampling<1>;
template struct UpSampling<2>;
template struct UpSampling<3>;

}  // namespace brisk
