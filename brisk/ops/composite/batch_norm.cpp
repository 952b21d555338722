#include <numeric>

#include "brisk/base/error.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/composite/composite_ops.h"
#include "brisk/ops/composite/moments.h"
#include "brisk/ops/elementwise/elementwise.h"

// Batch normalisation (Ioffe, Szegedy, 2015) over the last axis as channels.
//
// Training: three passes over x, for the mean, the centred variance and the result. The gradient,
// with x^ = (x - mean) / sigma and means over all axes but the channels,
//
//   dbeta = sum(g),  dgamma = sum(g x^),  dx = gamma / sigma (g - mean(g) - x^ mean(g x^)),
//
// is two reductions in one pass and one elementwise pass. It is written with the same moments as
// the forward pass, which are one node each once common sub-expressions are merged.
//
// Inference: scale and shift are folded per channel, so that one multiply-add per element is left.

namespace brisk {
namespace {

enum Operand : size_t { kX, kGamma, kBeta, kMean, kVariance };

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<BatchNormAttributes>();
  const TensorType& x = context.tensor(kX);
  require(is_floating(x.dtype) && x.shape.rank() >= 2,
          "[batch_norm] x must be floating [..., channels], but is {}",
          context.operands[kX].to_string());
  require(attributes.epsilon >= 0 && attributes.momentum >= 0 && attributes.momentum <= 1,
          "[batch_norm] epsilon {} must not be negative and momentum {} must lie in [0, 1]",
          attributes.epsilon, attributes.momentum);
  const Shape channels{x.shape[x.shape.rank() - 1]};
  for (const auto& [what, i] : {std::pair("gamma", kGamma), {"beta", kBeta}})
    require(is_floating(context.tensor(i).dtype) && context.tensor(i).shape == channels,
            "[batch_norm] x {} needs a floating {} {}, not {}", x.shape.to_string(), what,
            channels.to_string(), context.operands[i].to_string());
  const Type statistic(compute_type(x.dtype), channels);
  for (const auto& [what, i] : {std::pair("moving_mean", kMean), {"moving_variance", kVariance}})
    require(context.operands[i] == statistic, "[batch_norm] x {} needs a {} {}, not {}",
            context.operands[kX].to_string(), what, statistic.to_string(),
            context.operands[i].to_string());
  return {x, statistic, statistic};
}

/// All axes but the channels.
std::vector<int64_t> batch_axes(const Value& x) {
  std::vector<int64_t> axes(static_cast<size_t>(x.rank() - 1));
  std::iota(axes.begin(), axes.end(), int64_t{0});
  return axes;
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<BatchNormAttributes>();
  const Value& x = context.in(kX);
  const DType wide = compute_type(x.dtype());
  const Value gamma = cast(context.in(kGamma), wide);
  const Value beta = cast(context.in(kBeta), wide);
  const Value moving_mean = stop_gradient(context.in(kMean));
  const Value moving_variance = stop_gradient(context.in(kVariance));
  if (!attributes.training) {
    const Value scale = gamma * rsqrt(moving_variance + attributes.epsilon);
    const Value shift = beta - moving_mean * scale;
    return {cast(cast(x, wide) * scale + shift, x.dtype()), moving_mean, moving_variance};
  }
  const Moments batch = moments(x, batch_axes(x), attributes.epsilon, false);
  const Value y = batch.centred * (batch.inverse * gamma) + beta;
  const auto moved = [&](Value moving, Value now) {
    return moving * attributes.momentum + stop_gradient(now) * (1 - attributes.momentum);
  };
  return {cast(y, x.dtype()), moved(moving_mean, batch.mean),
          moved(moving_variance, batch.variance)};
}

std::vector<Value> vjp(const Vjp& d) {
  std::vector<Value> gradients(5);
  if (!d.has_grad(0)) return gradients;
  const auto& attributes = d.as<BatchNormAttributes>();
  const Value &x = d.in(kX), &gamma = d.in(kGamma), &beta = d.in(kBeta);
  const DType wide = compute_type(x.dtype());
  const std::vector<int64_t> axes = batch_axes(x);
  const Value g = cast(d.grad(), wide);
  const Value scale = cast(gamma, wide);
  if (d.needs(kBeta)) gradients[kBeta] = cast(reduce_sum(g, axes), beta.dtype());
  if (attributes.training) {
    if (!d.needs(kX) && !d.needs(kGamma)) return gradients;
    const Moments batch = moments(x, axes, attributes.epsilon, false);
    const Value normal = batch.centred * batch.inverse;
    const Value weighted = g * normal;
    if (d.needs(kGamma)) gradients[kGamma] = cast(reduce_sum(weighted, axes), gamma.dtype());
    if (d.needs(kX))
      gradients[kX] = cast((g - reduce_mean(g, axes) - normal * reduce_mean(weighted, axes)) *
                               (scale * batch.inverse),
                           x.dtype());
    return gradients;
  }
  const Value inverse = rsqrt(stop_gradient(d.in(kVariance)) + attributes.epsilon);
  if (d.needs(kX)) gradients[kX] = cast(g * (scale * inverse), x.dtype());
  if (d.needs(kGamma)) {
    const Value centred = cast(x, wide) - stop_gradient(d.in(kMean));
    gradients[kGamma] = cast(reduce_sum(g * centred, axes) * inverse, gamma.dtype());
  }
  return gradients;
}

}  // namespace

Op batch_norm_op() {
  return Op{.name = "batch_norm", .kind = OpKind::composite}
      .doc(
          "Normalises each channel (the last axis) by the batch's mean and biased variance and "
          "moves the moving ones towards them; in inference by the moving ones.")
      .operands(5)
      .attributes<BatchNormAttributes>()
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose);
}

BatchNorm batch_norm(Value x, Value gamma, Value beta, Value moving_mean, Value moving_variance,
                     BatchNormAttributes attributes) {
  const std::vector<Value> operands = {x, gamma, beta, moving_mean, moving_variance};
  const auto results = x.builder->emit("batch_norm", operands, attributes);
  return {results[0], results[1], results[2]};
}

}  // namespace brisk
