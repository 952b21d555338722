#include "brisk/nn/layers/normalization.h"

#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

/// A parameter, or the constant it would be initialised with where the layer goes without it.
Value parameter_or(LayerContext& context, bool wanted, const std::string& name, const Type& type,
                   const std::string& initializer, double otherwise) {
  if (wanted) return context.parameter(name, type, initializer);
  return broadcast(context.builder().scalar(type.dtype(), otherwise), type.shape(), {});
}

}  // namespace

Value BatchNormalization::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  require(x.rank() >= 2, "the input needs a channel axis behind the batch, but is {}", x.type().to_string());
  const DType dtype = compute_type(x.dtype());
  const Type type(dtype, {x.shape()[x.rank() - 1]});
  const Value gamma = parameter_or(context, scale, "gamma", type, gamma_initializer, 1);
  const Value beta = parameter_or(context, center, "beta", type, beta_initializer, 0);
  const Value mean = context.state("moving_mean", type, StateRole::statistic, moving_mean_initializer);
  const Value variance = context.state("moving_variance", type, StateRole::statistic, moving_variance_initializer);
  const BatchNorm result = batch_norm(x, gamma, beta, mean, variance, {.momentum = momentum, .epsilon = epsilon});
  context.update(mean, result.moving_mean);
  context.update(variance, result.moving_variance);
  return result.y;
}

Value LayerNormalization::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  std::vector<int64_t> axes;
  for (const int64_t a : axis) axes.push_back(normalize_axis(a, x.rank(), "LayerNormalization"));
  std::sort(axes.begin(), axes.end());
  Shape shape;
  for (const int64_t a : axes) shape.push_back(x.shape()[a]);
  const Type type(compute_type(x.dtype()), shape);
  const Value gamma = parameter_or(context, scale, "gamma", type, gamma_initializer, 1);
  const Value beta = parameter_or(context, center, "beta", type, beta_initializer, 0);
  return layer_norm(x, gamma, beta, axes, epsilon);
}

}  // namespace brisk
