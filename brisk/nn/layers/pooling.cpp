#include "brisk/nn/layers/pooling.h"

#include <numeric>

#include "brisk/nn/layers/spatial_input.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/window/window.h"

namespace brisk {
namespace {

WindowAttributes window_attributes(Value x, const std::vector<int64_t>& pool_size,
                                   const std::vector<int64_t>& strides,
                                   const std::string& padding) {
  const int64_t rank = x.rank() - 2;
  require_positive("pool_size", pool_size, rank);
  const std::vector<int64_t>& steps = strides.empty() ? pool_size : strides;
  require_positive("strides", steps, rank);
  const std::vector<int64_t> none(static_cast<size_t>(rank), 0), ones(static_cast<size_t>(rank), 1);
  ConvolutionAttributes same{steps, none, none, ones, 1};
  if (is_same_padding(padding)) set_same_padding(x, pool_size, same);
  return {pool_size, steps, same.pad_low, same.pad_high};
}

std::vector<int64_t> spatial_axes(int64_t rank, const std::string& data_format) {
  std::vector<int64_t> axes(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), data_format == "channels_first" ? 2 : 1);
  return axes;
}

}  // namespace

template <int kRank>
Value MaxPooling<kRank>::build(LayerContext&, std::span<const Value> inputs) const {
  const Value x = to_channels_last(inputs[0], kRank, data_format);
  return from_channels_last(max_pool(x, window_attributes(x, pool_size, strides, padding)).values,
                            data_format);
}

template <int kRank>
Value AveragePooling<kRank>::build(LayerContext&, std::span<const Value> inputs) const {
  const Value x = to_channels_last(inputs[0], kRank, data_format);
  return from_channels_last(
      average_pool(x, {window_attributes(x, pool_size, strides, padding), false}), data_format);
}

template <int kRank>
Value GlobalMaxPooling<kRank>::build(LayerContext&, std::span<const Value> inputs) const {
  to_channels_last(inputs[0], kRank, data_format);
  return reduce_max(inputs[0], spatial_axes(kRank, data_format), keepdims);
}

template <int kRank>
Value GlobalAveragePooling<kRank>::build(LayerContext&, std::span<const Value> values) const {
  const Value x = values[0];
  to_channels_last(x, kRank, data_format);
  const std::vector<int64_t> axes = spatial_axes(kRank, data_format);
  if (values.size() == 1) return reduce_mean(x, axes, keepdims);
  require(kRank == 1 && values[1].rank() == 2,
          "only a sequence may have a mask, of [batch, steps]");
  const Value weights =
      expand_dims(cast(values[1], x.dtype()), data_format == "channels_first" ? 1 : 2);
  return reduce_sum(x * weights, axes, keepdims) / reduce_sum(weights, axes, keepdims);
}

template struct MaxPooling<1>;
template struct MaxPooling<2>;
template struct MaxPooling<3>;
template struct AveragePooling<1>;
template struct AveragePooling<2>;
template struct AveragePooling<3>;
template struct GlobalMaxPooling<1>;
template struct GlobalMaxPooling<2>;
template struct GlobalMaxPooling<3>;
template struct GlobalAveragePooling<1>;
template struct GlobalAveragePooling<2>;
template struct GlobalAveragePooling<3>;

}  // namespace brisk
