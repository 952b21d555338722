#include "brisk/nn/layers/regularization.h"

#include "brisk/nn/layers/spatial_input.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

namespace brisk {
namespace {

void require_rate(double rate) {
  require(rate >= 0 && rate < 1, "rate is {}, but must be in [0, 1)", rate);
}

}  // namespace

Value advancing_key(LayerContext& context) {
  const Value key =
      context.state("seed_generator", Type(DType::u32, {2}), StateRole::random_key, "random_key");
  context.update(key, fold_key(key, uint64_t{0}));
  return key;
}

Value dropout_mask(LayerContext& context, const Type& type, double rate) {
  require_rate(rate);
  const Value ones = broadcast(context.builder().scalar(type.dtype(), 1), type.shape(), {});
  return dropout(ones, advancing_key(context), {.rate = rate});
}

Value Dropout::build(LayerContext& context, std::span<const Value> inputs) const {
  require_rate(rate);
  const Value x = inputs[0];
  if (noise_shape.empty()) return dropout(x, advancing_key(context), {.rate = rate});
  require(std::ssize(noise_shape) == x.rank(), "noise_shape has {} extents, but the input is {}",
          noise_shape.size(), x.type().to_string());
  Shape shape = x.shape();
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    if (noise_shape[static_cast<size_t>(axis)] == 1) shape[axis] = Extent(1);
  return x * dropout_mask(context, Type(x.dtype(), shape), rate);
}

template <int kRank>
Value SpatialDropout<kRank>::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = to_channels_last(inputs[0], kRank, data_format);
  Shape shape = x.shape();
  for (int64_t axis = 1; axis <= kRank; ++axis) shape[axis] = Extent(1);
  return from_channels_last(x * dropout_mask(context, Type(x.dtype(), shape), rate), data_format);
}

template struct SpatialDropout<1>;
template struct SpatialDropout<2>;
template struct SpatialDropout<3>;

}  // namespace brisk
