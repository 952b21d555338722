#include <algorithm>

#include "brisk/base/error.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/composite/composite_ops.h"
#include "brisk/ops/composite/moments.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

// Layer normalisation (Ba, Kiros, Hinton, 2016) over any axes. With x^ = (x - mean) / sigma,
// h = g gamma and means over the normalised axes,
//
//   dx = (h - mean(h) - x^ mean(h x^)) / sigma,   dgamma = sum(g x^),   dbeta = sum(g)
//
// with the last two over all other axes.

namespace brisk {
namespace {

enum Operand : size_t { kX, kGamma, kBeta };

std::vector<Type> infer(const InferContext& context) {
  const auto& [axes, epsilon] = context.as<LayerNormAttributes>();
  const TensorType& x = context.tensor(kX);
  require(is_floating(x.dtype), "[layer_norm] takes floating values, not {}", name(x.dtype));
  require(epsilon >= 0, "[layer_norm] epsilon {} must not be negative", epsilon);
  require(!axes.empty(), "[layer_norm] needs an axis");
  Shape scale;
  for (size_t i = 0; i < axes.size(); ++i) {
    require(axes[i] > (i == 0 ? -1 : axes[i - 1]) && axes[i] < x.shape.rank(),
            "[layer_norm] axes [{}] are not ascending axes of {}", fmt::join(axes, ", "),
            x.shape.to_string());
    scale.push_back(x.shape[axes[i]]);
  }
  for (const auto& [what, i] : {std::pair("gamma", kGamma), {"beta", kBeta}})
    require(is_floating(context.tensor(i).dtype) && context.tensor(i).shape == scale,
            "[layer_norm] axes [{}] of {} need a floating {} {}, not {}", fmt::join(axes, ", "),
            x.shape.to_string(), what, scale.to_string(), context.operands[i].to_string());
  return {x};
}

/// gamma or beta, spread over x's shape in x's compute type.
Value spread(Value parameter, const Value& x, const std::vector<int64_t>& axes) {
  return broadcast(cast(parameter, compute_type(x.dtype())), x.shape(), axes);
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& [axes, epsilon] = context.as<LayerNormAttributes>();
  const Value& x = context.in(kX);
  const Moments parts = moments(x, axes, epsilon, true);
  const Value y = parts.centred * parts.inverse * spread(context.in(kGamma), x, axes) +
                  spread(context.in(kBeta), x, axes);
  return {cast(y, x.dtype())};
}

std::vector<Value> vjp(const Vjp& d) {
  const auto& [axes, epsilon] = d.as<LayerNormAttributes>();
  const Value &x = d.in(kX), &gamma = d.in(kGamma), &beta = d.in(kBeta);
  std::vector<int64_t> others;
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    if (std::ranges::find(axes, axis) == axes.end()) others.push_back(axis);
  const auto sum_over_others = [&](Value value, DType type) {
    return cast(others.empty() ? value : reduce_sum(value, others), type);
  };
  const Value g = cast(d.grad(), compute_type(x.dtype()));
  std::vector<Value> gradients(3);
  if (d.needs(kBeta)) gradients[kBeta] = sum_over_others(g, beta.dtype());
  if (!d.needs(kX) && !d.needs(kGamma)) return gradients;
  const Moments parts = moments(x, axes, epsilon, true);
  const Value normal = parts.centred * parts.inverse;
  if (d.needs(kGamma)) gradients[kGamma] = sum_over_others(g * normal, gamma.dtype());
  if (d.needs(kX)) {
    const Value h = g * spread(gamma, x, axes);
    gradients[kX] =
        cast((h - reduce_mean(h, axes, true) - normal * reduce_mean(h * normal, axes, true)) *
                 parts.inverse,
             x.dtype());
  }
  return gradients;
}

}  // namespace

Op layer_norm_op() {
  return Op{.name = "layer_norm", .kind = OpKind::composite}
      .doc("Normalises by mean and biased variance over axes, then scales by gamma and adds beta.")
      .operands(3)
      .attributes<LayerNormAttributes>()
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose);
}

Value layer_norm(Value x, Value gamma, Value beta, std::vector<int64_t> axes, double epsilon) {
  for (int64_t& axis : axes) axis = normalize_axis(axis, x.rank(), "[layer_norm] axis");
  std::ranges::sort(axes);
  return x.builder->emit_one("layer_norm", {x, gamma, beta},
                             LayerNormAttributes{std::move(axes), epsilon});
}

}  // namespace brisk
