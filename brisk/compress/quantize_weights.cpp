#include "brisk/compress/quantize_weights.h"

#include <algorithm>
#include <cmath>

#include "brisk/ops/quantize/quantize.h"

// Scales are rounded to f32 before anything follows from them, and biases to whole sums: who
// computes with the scales that a file has gets the same multipliers to the last bit.
//
// A channel whose weights are tiny beside its bias (a filter that training has given up) gets a
// scale that keeps its bias within 2^30 sums' units: what its products add is less than the bias's
// rounding.

namespace brisk {

std::vector<double> channel_scales(const Tensor& filter) {
  const auto count = static_cast<size_t>(filter.sizes().back());
  std::vector<double> scale(count, 0);
  const auto weights = filter.data<float>();
  for (size_t i = 0; i < weights.size(); ++i)
    scale[i % count] = std::max(scale[i % count], std::fabs(static_cast<double>(weights[i])));
  for (double& s : scale) s = static_cast<float>(s / 127);
  return scale;
}

QuantizedWeights quantize_weights(const Tensor& filter, const Tensor& bias, double input_scale,
                                  double result_scale, const Tensor& integers) {
  const int64_t channels = filter.sizes().back();
  const auto count = static_cast<size_t>(channels);
  QuantizedWeights result{Tensor(DType::i8, filter.sizes()), Tensor(DType::f32, {channels}),
                          Tensor(DType::f32, {channels})};
  const auto weights = filter.data<float>();
  const std::vector<double> own = channel_scales(filter);
  std::vector<double>& scale = result.scales;
  scale = own;
  for (size_t c = 0; c < count; ++c) {
    const double offset = bias.defined() ? bias.data<float>()[c] : 0;
    scale[c] = std::max(scale[c], std::fabs(offset) / (input_scale * 1073741824.0));
    scale[c] = scale[c] == 0 ? 1 : static_cast<float>(scale[c]);
    result.bias.data<float>()[c] =
        static_cast<float>(std::nearbyint(offset / (input_scale * scale[c])));
    result.multiplier.data<float>()[c] = product_multiplier(input_scale, scale[c], result_scale);
  }
  const auto stored = result.filter.data<int8_t>();
  double signal = 0, noise = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double step = scale[i % count], w = weights[i];
    const bool given = integers.defined() && step == own[i % count];
    const double rounded =
        given ? integers.data<int8_t>()[i] : std::clamp(std::nearbyint(w / step), -127.0, 127.0);
    stored[i] = static_cast<int8_t>(rounded);
    signal += w * w;
    noise += (w - rounded * step) * (w - rounded * step);
  }
  result.sqnr = noise > 0 && signal > 0 ? 10 * std::log10(signal / noise) : INFINITY;
  return result;
}

QuantizedWeights quantize_tflite_weights(const Tensor& filter, const Tensor& bias,
                                         double input_scale, double result_scale,
                                         const Tensor& integers, DType bias_type) {
  QuantizedWeights result = quantize_weights(filter, bias, input_scale, result_scale, integers);
  const auto channels = static_cast<int64_t>(result.scales.size());
  result.bias = Tensor(bias_type, {channels});
  result.multiplier = Tensor(DType::f64, {channels});
  for (int64_t c = 0; c < channels; ++c) {
    const double sum_scale = input_scale * result.scales[static_cast<size_t>(c)];
    result.bias.set(c, bias.defined() ? std::round(bias.get(c) / sum_scale) : 0);
    result.multiplier.set(c, sum_scale / result_scale);
  }
  return result;
}

Tensor transposed(const Tensor& matrix) {
  const int64_t rows = matrix.sizes()[0], columns = matrix.sizes()[1];
  Tensor result(DType::f32, {columns, rows});
  const auto from = matrix.data<float>();
  const auto to = result.data<float>();
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      to[static_cast<size_t>(c * rows + r)] = from[static_cast<size_t>(r * columns + c)];
  return result;
}

}  // namespace brisk
