#include <algorithm>
#include <bit>

#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/move/move_kind.h"
#include "brisk/ops/reduce/reduce_kind.h"
#include "brisk/ops/tflite/fixed_point.h"
#include "brisk/ops/tflite/tflite_ops.h"
#include "brisk/ops/window/pooled_shape.h"

// A pool divides what is stored, zero point and all, and rounds once. A mean takes the zero points
// off and has the division by its count in the fixed-point factor.

namespace brisk {
namespace {

/// How many places of each window are inside `sizes`, row-major over the windows.
std::vector<int32_t> places_inside(const WindowAttributes& w, std::span<const int64_t> sizes,
                                   std::span<const int64_t> results) {
  std::vector<int32_t> counts = {1};
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    std::vector<int32_t> finer;
    for (const int32_t count : counts)
      for (int64_t i = 0; i < results[axis]; ++i) {
        const int64_t first = i * w.strides[axis] - w.pad_low[axis];
        const int64_t last = std::min(first + w.window[axis], sizes[axis]);
        finer.push_back(count * static_cast<int32_t>(last - std::max<int64_t>(first, 0)));
      }
    counts = std::move(finer);
  }
  return counts;
}

std::vector<Value> decompose_pool(const DecomposeContext& context) {
  const auto& attributes = context.as<TfliteAveragePoolAttributes>();
  const WindowAttributes& w = attributes.window;
  const Value& x = context.in(0);
  const std::vector<int64_t> sizes = x.shape().sizes(),
                             results = context.results[0].shape().sizes();
  const size_t axes = w.window.size();
  // A window's sum is a convolution of each channel with ones.
  std::vector<int64_t> filter_sizes = w.window;
  filter_sizes.insert(filter_sizes.end(), {1, sizes.back()});
  const Value ones = broadcast_to(context.builder.scalar(DType::i32, 1), Shape(filter_sizes));
  const Value sums = convolution(cast(x, DType::i32), ones,
                                 {.strides = w.strides,
                                  .pad_low = w.pad_low,
                                  .pad_high = w.pad_high,
                                  .dilations = std::vector<int64_t>(axes, 1),
                                  .groups = sizes.back()});
  const std::span<const int64_t> inner(results.data() + 1, axes);
  std::vector<int64_t> count_sizes(inner.begin(), inner.end());
  count_sizes.push_back(1);
  const Value counts = context.builder.constant(
      Tensor::of(count_sizes, places_inside(w, std::span(sizes).subspan(1, axes), inner)));
  const Value half = counts / 2;
  const Value moved =
      select(greater(sums, context.builder.scalar(DType::i32, 0)), sums + half, sums - half);
  return {clamped(moved / counts, attributes.output, x.dtype())};
}

/// The factor from a sum of `count` integers to their mean in the output's units.
FixedPointFactor mean_factor(const TfliteMeanAttributes& attributes, int64_t count) {
  FixedPointFactor factor =
      fixed_point_factor(static_cast<double>(static_cast<float>(attributes.input.input_scale)) /
                         static_cast<double>(static_cast<float>(attributes.output.output_scale)));
  const int shift = std::min({static_cast<int>(std::bit_width(static_cast<uint64_t>(count))) - 1,
                              32, 31 + static_cast<int>(factor.shift)});
  factor.mantissa = static_cast<int32_t>((int64_t{factor.mantissa} << shift) / count);
  factor.shift -= shift;
  return factor;
}

}  // namespace

Op tflite_average_pool_op() {
  return Op{.name = "tflite_average_pool", .kind = OpKind::composite}
      .doc(
          "The mean of each window's integers over the places inside the input, halfway cases away "
          "from 0, in TFLite's arithmetic.")
      .operands(1)
      .attributes<TfliteAveragePoolAttributes>()
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<TfliteAveragePoolAttributes>();
        const TensorType& x = context.tensor(0);
        require_stored(context, 0, true);
        require_output(context, x.dtype, attributes.output);
        const Shape shape = pooled_shape("tflite_average_pool", x.shape, attributes.window);
        const WindowAttributes& w = attributes.window;
        for (size_t axis = 0; axis < w.window.size(); ++axis)
          require(std::min(w.pad_low[axis], w.pad_high[axis]) >= 0 &&
                      std::max(w.pad_low[axis], w.pad_high[axis]) < w.window[axis],
                  "[tflite_average_pool] the padding {} and {} must not be negative, and smaller "
                  "than the window {}",
                  w.pad_low[axis], w.pad_high[axis], w.window[axis]);
        return {Type(x.dtype, shape)};
      })
      .decompose(decompose_pool)
      .not_differentiable();
}

Op tflite_mean_op() {
  return Op{.name = "tflite_mean", .kind = OpKind::composite}
      .doc("The mean of integers over axes, in TFLite's arithmetic.")
      .operands(1)
      .attributes<TfliteMeanAttributes>()
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<TfliteMeanAttributes>();
        const TensorType& x = context.tensor(0);
        require_stored(context, 0, true);
        require_input(context, x.dtype, attributes.input);
        require_output(context, x.dtype, attributes.output);
        require_factor(context, attributes.input.input_scale / attributes.output.output_scale);
        check_ascending_axes(context, attributes.reduce.axes, x.shape.rank());
        return {Type(x.dtype, reduced_shape(x.shape, attributes.reduce))};
      })
      .decompose([](const DecomposeContext& context) -> std::vector<Value> {
        const auto& attributes = context.as<TfliteMeanAttributes>();
        const Value& x = context.in(0);
        int64_t count = 1;
        for (const int64_t axis : attributes.reduce.axes) count *= x.shape().size(axis);
        const Value sum = reduce_sum(centred(x, attributes.input.input_zero_point),
                                     attributes.reduce.axes, attributes.reduce.keep_dims);
        const FixedPointFactor factor = mean_factor(attributes, std::max<int64_t>(count, 1));
        return {stored(scaled(sum, factor), attributes.output, x.dtype())};
      })
      .not_differentiable();
}

Value tflite_average_pool(Value x, const TfliteAveragePoolAttributes& attributes) {
  return emit_unary("tflite_average_pool", x, attributes);
}

Value tflite_mean(Value x, const TfliteMeanAttributes& attributes) {
  return emit_unary("tflite_mean", x, attributes);
}

}  // namespace brisk
