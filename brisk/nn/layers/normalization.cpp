#include "brisk/nn/layers/normalization.h"

#include <algorithm>
#include <numeric>

#include "brisk/ops/composite/composite.h"
#include "brisk/ops/composite/moments.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

/// A parameter, or the constant it would be initialised with where the layer goes without it.
Value parameter_or(LayerContext& context, bool wanted, const std::string& name, const Type& type,
                   const std::string& initializer, double otherwise) {
  if (wanted) return context.parameter(name, type, initializer);
  return broadcast(context.builder().scalar(type.dtype(), otherwise), type.shape(), {});
}

std::vector<int64_t> sorted_axes(const std::vector<int64_t>& axis, int64_t rank,
                                 std::string_view what) {
  std::vector<int64_t> axes;
  for (const int64_t a : axis) axes.push_back(normalize_axis(a, rank, what));
  std::sort(axes.begin(), axes.end());
  return axes;
}

/// x with axes `from` and the last exchanged.
Value swap_with_last(Value x, int64_t from) {
  if (from == x.rank() - 1) return x;
  std::vector<int64_t> order(static_cast<size_t>(x.rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<size_t>(from)], order.back());
  return transpose(x, order);
}

}  // namespace

Value BatchNormalization::build(LayerContext& context, std::span<const Value> inputs) const {
  require(inputs[0].rank() >= 2, "the input needs a channel axis behind the batch, but is {}",
          inputs[0].type().to_string());
  const int64_t channels = normalize_axis(axis, inputs[0].rank(), "BatchNormalization");
  const Value x = swap_with_last(inputs[0], channels);
  const DType dtype = compute_type(x.dtype());
  const Type type(dtype, {x.shape()[x.rank() - 1]});
  const Value gamma = parameter_or(context, scale, "gamma", type, gamma_initializer, 1);
  const Value beta = parameter_or(context, center, "beta", type, beta_initializer, 0);
  const Value mean =
      context.state("moving_mean", type, StateRole::statistic, moving_mean_initializer);
  const Value variance =
      context.state("moving_variance", type, StateRole::statistic, moving_variance_initializer);
  const BatchNorm result =
      batch_norm(x, gamma, beta, mean, variance, {.momentum = momentum, .epsilon = epsilon});
  context.update(mean, result.moving_mean);
  context.update(variance, result.moving_variance);
  return swap_with_last(result.y, channels);
}

Value LayerNormalization::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  const std::vector<int64_t> axes = sorted_axes(axis, x.rank(), "LayerNormalization");
  Shape shape;
  for (const int64_t a : axes) shape.push_back(x.shape()[a]);
  const Type type(compute_type(x.dtype()), shape);
  const Value gamma = parameter_or(context, scale, "gamma", type, gamma_initializer, 1);
  const Value beta = parameter_or(context, center, "beta", type, beta_initializer, 0);
  return layer_norm(x, gamma, beta, axes, epsilon);
}

Value GroupNormalization::build(LayerContext& context, std::span<const Value> inputs) const {
  const int64_t at = normalize_axis(axis, inputs[0].rank(), "GroupNormalization");
  require(at > 0, "axis {} is the batch", axis);
  const Value x = swap_with_last(inputs[0], at);
  const int64_t channels = x.shape().size(x.rank() - 1), parts = groups == -1 ? channels : groups;
  require(parts > 0 && channels % parts == 0, "groups is {}, but must divide {} channels", groups,
          channels);
  Shape split;
  for (int64_t a = 0; a + 1 < x.rank(); ++a) split.push_back(x.shape()[a]);
  split.push_back(Extent(parts));
  split.push_back(Extent(channels / parts));
  std::vector<int64_t> axes;
  for (int64_t a = 1; a < split.rank(); ++a)
    if (a != split.rank() - 2) axes.push_back(a);
  const Moments m = moments(reshape(x, split), axes, epsilon, true);
  const Type type(compute_type(x.dtype()), {channels});
  Value y = reshape(m.centred * m.inverse, x.shape());
  if (scale) y = y * context.parameter("gamma", type, gamma_initializer);
  if (center) y = y + context.parameter("beta", type, beta_initializer);
  return swap_with_last(cast(y, x.dtype()), at);
}

Value RMSNormalization::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  const std::vector<int64_t> axes = sorted_axes(axis, x.rank(), "RMSNormalization");
  Shape shape(std::vector<int64_t>(static_cast<size_t>(x.rank()), 1)), kept;
  for (const int64_t a : axes) {
    kept.push_back(x.shape()[a]);
    shape[a] = x.shape()[a];
  }
  const DType type = compute_type(x.dtype());
  const Value wide = cast(x, type);
  const Value scale = reshape(context.parameter("scale", Type(type, kept), "ones"), shape);
  return cast(wide * rsqrt(reduce_mean(square(wide), axes, true) + epsilon) * scale, x.dtype());
}

Value UnitNormalization::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  const Value squares =
      reduce_sum(square(x), sorted_axes(axis, x.rank(), "UnitNormalization"), true);
  return x * rsqrt(maximum(squares, context.builder().scalar(x.dtype(), 1e-12)));
}

}  // namespace brisk
