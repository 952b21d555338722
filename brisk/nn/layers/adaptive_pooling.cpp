// One axis after the other: a window is a product of ranges, so that the mean (or maximum) over it
// is the mean of means.

#include "brisk/nn/layers/adaptive_pooling.h"

#include "brisk/nn/layers/spatial_input.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

Value pool_axis(Value x, int64_t axis, int64_t windows, bool average) {
  const int64_t size = x.shape().size(axis);
  const auto reduced = [&](Value part, int64_t along) {
    return average ? reduce_mean(part, {along}, true) : reduce_max(part, {along}, true);
  };
  if (size % windows == 0) {  // windows of one size: no slices
    Shape split, joined = x.shape();
    for (int64_t i = 0; i < x.rank(); ++i) {
      split.push_back(i == axis ? Extent(windows) : x.shape()[i]);
      if (i == axis) split.push_back(Extent(size / windows));
    }
    joined[axis] = Extent(windows);
    return reshape(reduced(reshape(x, split), axis + 1), joined);
  }
  std::vector<Value> parts;
  for (int64_t i = 0; i < windows; ++i)
    parts.push_back(reduced(
        slice_axis(x, axis, i * size / windows, ((i + 1) * size + windows - 1) / windows), axis));
  return concatenate(parts, axis);
}

}  // namespace

template <int kRank, bool kAverage>
Value AdaptivePooling<kRank, kAverage>::build(LayerContext&, std::span<const Value> inputs) const {
  Value x = to_channels_last(inputs[0], kRank, data_format);
  require_positive("output_size", output_size, kRank);
  for (int64_t axis = 0; axis < kRank; ++axis)
    x = pool_axis(x, axis + 1, output_size[static_cast<size_t>(axis)], kAverage);
  return from_channels_last(x, data_format);
}

template struct AdaptivePooling<1, false>;
template struct AdaptivePooling<2, false>;
template struct AdaptivePooling<3, false>;
template struct AdaptivePooling<1, true>;
template struct AdaptivePooling<2, true>;
template struct AdaptivePooling<3, true>;

}  // namespace brisk
