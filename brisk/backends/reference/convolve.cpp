// Convolution and its two gradients: one sum over the same taps, seen from its three sides.
//   result[n, r, f]    += input[n, i, c] * filter[w, c, f]
//   d input[n, i, c]   += d result[n, r, f] * filter[w, c, f]
//   d filter[w, c, f]  += input[n, i, c] * d result[n, r, f]
// with c counted within the group that f belongs to. Sums are kept in wide numbers.

#include "brisk/backends/reference/elements.h"
#include "brisk/backends/reference/kernels.h"
#include "brisk/backends/reference/spatial_taps.h"

namespace brisk::reference {
namespace {

/// The three tensors of the sum in wide numbers, and how their last axes are counted.
template <typename Wide>
struct Sum {
  std::vector<Wide> input, filter, result;
  SpatialGeometry geometry;
  int64_t batch = 0, groups = 1;
  int64_t group_channels = 0, group_filters = 0;

  Sum(const ConvolutionAttributes& attributes, const std::vector<int64_t>& input_sizes,
      const std::vector<int64_t>& filter_sizes, const std::vector<int64_t>& result_sizes)
      : geometry(convolution_geometry(attributes, input_sizes, filter_sizes, result_sizes)),
        batch(input_sizes.front()),
        groups(attributes.groups),
        group_channels(filter_sizes[filter_sizes.size() - 2]),
        group_filters(filter_sizes.back() / attributes.groups) {
    input.resize(static_cast<size_t>(checked_product(input_sizes)));
    filter.resize(static_cast<size_t>(checked_product(filter_sizes)));
    result.resize(static_cast<size_t>(checked_product(result_sizes)));
  }

  /// Calls `add(x, w, y)` for every pair of an input element x and the `group_filters` consecutive
  /// elements of filter (w) and result (y) that it meets.
  template <typename Add>
  void for_each_row(Add&& add) {
    const int64_t channels = group_channels * groups, filters = group_filters * groups;
    for (const Tap& tap : geometry.taps()) {
      for (int64_t n = 0; n < batch; ++n) {
        Wide* x = input.data() + (n * geometry.input_count() + tap.input) * channels;
        Wide* y = result.data() + (n * geometry.result_count() + tap.result) * filters;
        Wide* w = filter.data() + tap.window * group_channels * filters;
        for (int64_t group = 0; group < groups; ++group)
          for (int64_t c = 0; c < group_channels; ++c)
            add(x[group * group_channels + c], w + c * filters + group * group_filters,
                y + group * group_filters);
      }
    }
  }
};

template <typename Wide>
Tensor forward(const KernelCall& call) {
  Sum<Wide> sum(call.as<ConvolutionAttributes>(), call.in(0).sizes(), call.in(1).sizes(),
                call.result().shape.sizes());
  sum.input = widen<Wide>(call.in(0));
  sum.filter = widen<Wide>(call.in(1));
  const int64_t count = sum.group_filters;
  sum.for_each_row([count](Wide& x, Wide* w, Wide* y) {
    for (int64_t f = 0; f < count; ++f) y[f] += x * w[f];
  });
  return narrow<Wide>(call.result().dtype, call.result().shape.sizes(), sum.result);
}

template <typename Wide>
Tensor input_gradient(const KernelCall& call) {
  const auto& attributes = call.as<ConvolutionGradientAttributes>();
  Sum<Wide> sum(attributes.convolution, call.result().shape.sizes(), call.in(1).sizes(),
                call.in(0).sizes());
  sum.result = widen<Wide>(call.in(0));
  sum.filter = widen<Wide>(call.in(1));
  const int64_t count = sum.group_filters;
  sum.for_each_row([count](Wide& x, Wide* w, Wide* y) {
    for (int64_t f = 0; f < count; ++f) x += y[f] * w[f];
  });
  return narrow<Wide>(call.result().dtype, call.result().shape.sizes(), sum.input);
}

template <typename Wide>
Tensor filter_gradient(const KernelCall& call) {
  const auto& attributes = call.as<ConvolutionGradientAttributes>();
  Sum<Wide> sum(attributes.convolution, call.in(0).sizes(), call.result().shape.sizes(),
                call.in(1).sizes());
  sum.input = widen<Wide>(call.in(0));
  sum.result = widen<Wide>(call.in(1));
  const int64_t count = sum.group_filters;
  sum.for_each_row([count](Wide& x, Wide* w, Wide* y) {
    for (int64_t f = 0; f < count; ++f) w[f] += x * y[f];
  });
  return narrow<Wide>(call.result().dtype, call.result().shape.sizes(), sum.filter);
}

std::vector<Tensor> evaluate_convolution(const KernelCall& call) {
  return {with_wide(call.in(0).dtype(), [&]<typename Wide>() { return forward<Wide>(call); })};
}

std::vector<Tensor> evaluate_input_gradient(const KernelCall& call) {
  return {
      with_wide(call.in(0).dtype(), [&]<typename Wide>() { return input_gradient<Wide>(call); })};
}

std::vector<Tensor> evaluate_filter_gradient(const KernelCall& call) {
  return {
      with_wide(call.in(0).dtype(), [&]<typename Wide>() { return filter_gradient<Wide>(call); })};
}

}  // namespace

Kernel find_convolve_kernel(std::string_view op) {
  if (op == "convolution") return evaluate_convolution;
  if (op == "convolution_input_gradient") return evaluate_input_gradient;
  if (op == "convolution_filter_gradient") return evaluate_filter_gradient;
  return nullptr;
}

}  // namespace brisk::reference
