#include <numeric>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/reduce/reduce.h"

// Normalisations. Statistics of short floats are computed in f32.

namespace brisk::onnx {
namespace {

struct Normalized {
  Value y, mean, inverse;
};
/// (x - mean) / sqrt(variance + epsilon) over `axes`, in the compute type.
Normalized normalized(Value x, const std::vector<int64_t>& axes, double epsilon) {
  const Value mean = reduce_mean(x, axes, true);
  const Value centred = x - mean;
  const Value inverse = rsqrt(reduce_mean(square(centred), axes, true) + epsilon);
  return {centred * inverse, mean, inverse};
}

/// By the batch's statistics, whatever the graph is used for; moving ones are values like others.
void normalize_by_batch(Call& c, double epsilon, double momentum) {
  const Value x = widened(c.in(0));
  std::vector<int64_t> axes = {0};
  for (int64_t i = 2; i < x.rank(); ++i) axes.push_back(i);
  const Value mean = reduce_mean(x, axes, true);
  const Value variance = reduce_mean(square(x - mean), axes, true);
  const Value scale = along(widened(c.in(1)), 1, x.rank()),
              bias = along(widened(c.in(2)), 1, x.rank());
  c.out(0, cast((x - mean) * rsqrt(variance + epsilon) * scale + bias, c.in(0).dtype()));
  const auto moved = [&](size_t i, Value batch) {
    const Value moving = widened(c.in(i));
    const Value next =
        moving * momentum + cast(reshape(batch, moving.shape()), moving.dtype()) * (1 - momentum);
    c.out(i - 2, cast(next, c.in(i).dtype()));
  };
  moved(3, mean);
  moved(4, variance);
}

/// Of a model that is kept, weights are what its layer learns: whether it is in training is asked
/// when it is used, not when it was written. Other statistics are moved as the file says.
void batch_normalization(Call& c) {
  const Value x = c.in(0);
  const double epsilon = c.real("epsilon", 1e-5F), momentum = c.real("momentum", 0.9F);
  require(x.rank() >= 2, "it normalises channels at axis 1 of {}", x.shape().to_string());
  const bool by_batch = c.integer("training_mode", 0) != 0 ||
                        (c.opset < 7 && c.integer("is_test", 0) == 0 && c.wants(1));
  const bool is_layer = !c.trace.staged() && c.item(3)->origin == Slot::Origin::weight;
  if (by_batch && !is_layer && !c.trace.staged()) return normalize_by_batch(c, epsilon, momentum);
  const bool training = by_batch && !is_layer;
  // brisk's layer wants one type for the statistics; ONNX lets scale and statistics differ.
  const DType stats = compute_type(x.dtype());
  const BatchNorm y =
      batch_norm(channels_last(x), cast(c.in(1), stats), cast(c.in(2), stats), cast(c.in(3), stats),
                 cast(c.in(4), stats), {momentum, epsilon, training});
  c.out(0, channels_first(y.y));
  if (is_layer) {  // which moves its statistics by itself
    c.out(1, c.item(3));
    c.out(2, c.item(4));
  } else {
    c.out(1, cast(y.moving_mean, c.in(3).dtype()));
    c.out(2, cast(y.moving_variance, c.in(4).dtype()));
  }
  if (!training && c.in(3).dtype() == stats && c.in(4).dtype() == stats) {
    c.trace.update(c.item(3), y.moving_mean);
    c.trace.update(c.item(4), y.moving_variance);
  }
}

std::vector<int64_t> axes_from(int64_t first, int64_t rank) {
  std::vector<int64_t> axes;
  for (int64_t i = first; i < rank; ++i) axes.push_back(i);
  return axes;
}

void instance_normalization(Call& c) {
  const Value x = c.in(0);
  const Normalized n = normalized(widened(x), axes_from(2, x.rank()), c.real("epsilon", 1e-5F));
  const Value scale = along(widened(c.in(1)), 1, x.rank()),
              bias = along(widened(c.in(2)), 1, x.rank());
  c.out(cast(n.y * scale + bias, x.dtype()));
}

void layer_normalization(Call& c) {
  const Value x = c.in(0);
  const int64_t axis = checked_axis(c.integer("axis", -1), x.rank());
  const DType stash =
      carrier(static_cast<ElementType>(c.integer("stash_type", 1))).value_or(DType::f32);
  const DType compute = x.dtype() == DType::f64 ? DType::f64 : stash;
  const Normalized n =
      normalized(cast(x, compute), axes_from(axis, x.rank()), c.real("epsilon", 1e-5F));
  Value y = cast(n.y, x.dtype()) * c.in(1);
  if (c.has(2)) y = y + c.in(2);
  c.out(0, y);
  c.out(1, n.mean);
  c.out(2, n.inverse);
}

void rms_normalization(Call& c) {
  const Value x = c.in(0);
  const int64_t axis = checked_axis(c.integer("axis", -1), x.rank());
  const DType stash =
      carrier(static_cast<ElementType>(c.integer("stash_type", 1))).value_or(DType::f32);
  const Value wide = cast(x, x.dtype() == DType::f64 ? DType::f64 : stash);
  const Value inverse =
      rsqrt(reduce_mean(square(wide), axes_from(axis, x.rank()), true) + c.real("epsilon", 1e-5F));
  c.out(cast(wide * inverse, c.in(1).dtype()) * c.in(1));
}

/// Groups of channels; scale and bias a channel (opset 21) or a group (18).
void group_normalization(Call& c) {
  const Value x = c.in(0);
  const int64_t groups = c.integer("num_groups"), channels = size_of(x, 1);
  require(groups > 0 && channels % groups == 0, "{} channels do not divide into {} groups",
          channels, groups);
  Shape split{extent_of(x, 0), Extent(groups), Extent(channels / groups)};
  for (int64_t i = 2; i < x.rank(); ++i) split.push_back(extent_of(x, i));
  const Normalized n =
      normalized(reshape(widened(x), split), axes_from(2, split.rank()), c.real("epsilon", 1e-5F));
  const Value scale = widened(c.in(1)), bias = widened(c.in(2));
  if (extent_of(scale, 0) == Extent(channels)) {
    const Value y = reshape(n.y, x.shape());
    return c.out(cast(y * along(scale, 1, x.rank()) + along(bias, 1, x.rank()), x.dtype()));
  }
  c.out(cast(reshape(n.y * along(scale, 1, split.rank()) + along(bias, 1, split.rank()), x.shape()),
             x.dtype()));
}

void mean_variance_normalization(Call& c) {
  const Value x = c.in(0);
  const std::vector<int64_t> axes = checked_axes(c.integers("axes", {0, 2, 3}), x.rank());
  const Value wide = widened(x);
  const Value centred = wide - reduce_mean(wide, axes, true);
  const Value deviation = sqrt(reduce_mean(square(centred), axes, true));
  c.out(cast(centred / (deviation + 1e-9), x.dtype()));
}

void lp_normalization(Call& c) {
  const Value x = c.in(0);
  const int64_t axis = checked_axis(c.integer("axis", -1), x.rank());
  const Value wide = widened(x);
  Value norm = c.integer("p", 2) == 1 ? reduce_sum(abs(wide), {axis}, true)
                                      : sqrt(reduce_sum(square(wide), {axis}, true));
  const Value zero = filled(c.builder(), norm.dtype(), norm.shape(), 0);
  norm = select(equal(norm, zero), filled(c.builder(), norm.dtype(), norm.shape(), 1), norm);
  c.out(cast(wide / norm, x.dtype()));
}

/// x / (bias + alpha / size * sum of squares over `size` neighbouring channels) ^ beta.
void lrn(Call& c) {
  const Value x = c.in(0);
  const int64_t size = c.integer("size");
  require(size >= 1, "its size is {}", size);
  const Value squares = square(widened(x));
  std::vector<int64_t> low(static_cast<size_t>(x.rank()), 0), high(low);
  low[1] = (size - 1) / 2;
  high[1] = size - 1 - low[1];
  const Value padded = pad(squares, c.builder().scalar(squares.dtype(), 0), low, high);
  const int64_t channels = size_of(x, 1);
  Value total = slice_axis(padded, 1, 0, channels);
  for (int64_t i = 1; i < size; ++i) total = total + slice_axis(padded, 1, i, i + channels);
  const Value base =
      total * (c.real("alpha", 1e-4F) / static_cast<double>(size)) + c.real("bias", 1.0F);
  c.out(cast(widened(x) /
                 pow(base, filled(c.builder(), base.dtype(), base.shape(), c.real("beta", 0.75F))),
             x.dtype()));
}

constexpr OpRow kNormalizationRows[] = {
    {"BatchNormalization", batch_normalization},
    {"InstanceNormalization", instance_normalization},
    {"LayerNormalization", layer_normalization},
    {"RMSNormalization", rms_normalization},
    {"GroupNormalization", group_normalization},
    {"MeanVarianceNormalization", mean_variance_normalization},
    {"LpNormalization", lp_normalization},
    {"LRN", lrn},
};

}  // namespace

std::span<const OpRow> normalization_ops() {
  return kNormalizationRows;
}

}  // namespace brisk::onnx
