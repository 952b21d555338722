#include <cmath>
#include <functional>
#include <limits>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/convolution.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/formats/onnx/ops/window_geometry.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/window/window.h"

// Pooling. What brisk's pools do (no dilation, windows of up to 256 places, no indices wanted) they
// do; the rest is one strided slice a place of the window, folded one after the other.

namespace brisk::onnx {
namespace {

/// x, padded with `value` so that every window lies inside.
Value padded(Value x, const WindowGeometry& g, double value) {
  std::vector<int64_t> low(2, 0), high(2, 0);
  for (size_t i = 0; i < g.rank(); ++i) {
    low.push_back(g.low[i]);
    high.push_back(std::max<int64_t>(g.ceil_high[i], 0));
  }
  return pad(x, x.builder->scalar(x.dtype(), value), low, high);
}

/// Calls f(slice of the padded x, place within the window as coordinates) for each place.
void each_place(Value padded_x, const WindowGeometry& g,
                const std::function<void(Value, const std::vector<int64_t>&)>& f) {
  std::vector<int64_t> at(g.rank(), 0);
  while (true) {
    Value part = padded_x;
    for (size_t i = 0; i < g.rank(); ++i)
      part = slice_any(part, static_cast<int64_t>(i) + 2, at[i] * g.dilations[i], g.out[i],
                       g.strides[i]);
    f(part, at);
    size_t axis = g.rank();
    while (axis > 0 && ++at[axis - 1] == g.kernel[axis - 1]) at[--axis] = 0;
    if (axis == 0) return;
  }
}

double lowest(DType type) {
  return is_floating(type) ? -std::numeric_limits<double>::infinity()
                           : integer_range(element_type_of(type)).low;
}

bool dilated(const WindowGeometry& g) {
  return std::any_of(g.dilations.begin(), g.dilations.end(), [](int64_t d) { return d != 1; });
}
int64_t places(const WindowGeometry& g) {
  int64_t count = 1;
  for (const int64_t size : g.kernel) count *= size;
  return count;
}

void max_pool_op(Call& c) {
  const Value x = c.in(0);
  const std::vector<int64_t> spatial = spatial_sizes(x);
  const WindowGeometry g = window_geometry(c, spatial);
  if (!c.wants(1) && !dilated(g) && places(g) <= 256 &&
      (is_floating(x.dtype()) || bits(x.dtype()) == 8))
    return c.out(channels_first(
        max_pool(channels_last(x), {g.kernel, g.strides, g.low, g.ceil_high}).values));
  // The index of an element within [batch, channels, spatial...], carried along as i64.
  const bool column_major = c.integer("storage_order", 0) != 0;
  std::vector<int64_t> strides(spatial.size(), 1);
  if (column_major)
    for (size_t i = 1; i < spatial.size(); ++i) strides[i] = strides[i - 1] * spatial[i - 1];
  else
    for (size_t i = spatial.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * spatial[i];
  Value best, index;
  const Value wide = padded(x, g, lowest(x.dtype()));
  each_place(wide, g, [&](Value part, const std::vector<int64_t>& at) {
    Value here;
    if (c.wants(1)) {
      here = filled(c.builder(), DType::i64, part.shape(), 0);
      for (size_t i = 0; i < g.rank(); ++i) {
        std::vector<int64_t> offsets;
        for (int64_t place = 0; place < g.out[i]; ++place)
          offsets.push_back((place * g.strides[i] + at[i] * g.dilations[i] - g.low[i]) *
                            strides[i]);
        here = here +
               along(integer_list(c.builder(), offsets), static_cast<int64_t>(i) + 2, part.rank());
      }
    }
    if (!best.defined()) {
      best = part;
      index = here;
      return;
    }
    const Value better = greater(part, best);
    best = select(better, part, best);
    if (c.wants(1)) index = select(better, here, index);
  });
  c.out(0, best);
  if (!c.wants(1)) return;
  int64_t plane = 1;
  for (const int64_t size : spatial) plane *= size;
  std::vector<int64_t> first;
  for (int64_t i = 0; i < size_of(x, 0) * size_of(x, 1); ++i) first.push_back(i * plane);
  Shape shape{extent_of(x, 0), extent_of(x, 1)};
  for (size_t i = 0; i < spatial.size(); ++i) shape.push_back(Extent(1));
  c.out(1, index + reshape(integer_list(c.builder(), first), shape));
}

/// Elements inside the tensor (and its padding, if that counts) that each window sees.
Value window_counts(Builder& builder, const WindowGeometry& g, const std::vector<int64_t>& spatial,
                    bool with_padding, DType type) {
  Shape shape{Extent(1), Extent(1)};
  Value counts = builder.scalar(type, 1);
  for (size_t i = 0; i < g.rank(); ++i) {
    std::vector<float> axis;
    for (int64_t place = 0; place < g.out[i]; ++place) {
      int64_t seen = 0;
      for (int64_t k = 0; k < g.kernel[i]; ++k) {
        const int64_t at = place * g.strides[i] + k * g.dilations[i] - g.low[i];
        const bool inside = at >= 0 && at < spatial[i];
        const bool in_padding = at >= -g.low[i] && at < spatial[i] + g.high[i];
        seen += inside || (with_padding && in_padding) ? 1 : 0;
      }
      axis.push_back(static_cast<float>(std::max<int64_t>(seen, 1)));
    }
    counts = counts * along(real_list(builder, axis, type), static_cast<int64_t>(i) + 2,
                            static_cast<int64_t>(g.rank()) + 2);
  }
  return counts;
}

void average_pool_op(Call& c) {
  const Value x = c.in(0);
  const std::vector<int64_t> spatial = spatial_sizes(x);
  const WindowGeometry g = window_geometry(c, spatial);
  const bool with_padding = c.integer("count_include_pad", 0) != 0;
  const bool beyond = g.ceil_high != g.high;
  if (!dilated(g) && !beyond && places(g) <= 256)
    return c.out(channels_first(
        average_pool(channels_last(x), {{g.kernel, g.strides, g.low, g.high}, with_padding})));
  const Value wide = widened(x);
  Value total;
  each_place(padded(wide, g, 0), g,
             [&](Value part, const auto&) { total = total.defined() ? total + part : part; });
  c.out(
      cast(total / window_counts(c.builder(), g, spatial, with_padding, wide.dtype()), x.dtype()));
}

void lp_pool(Call& c) {
  const Value x = c.in(0);
  const WindowGeometry g = window_geometry(c, spatial_sizes(x));
  const auto p = static_cast<double>(c.integer("p", 2));
  const Value wide = abs(widened(x));
  Value total;
  each_place(padded(wide, g, 0), g, [&](Value part, const auto&) {
    const Value power = p == 1   ? part
                        : p == 2 ? square(part)
                                 : pow(part, filled(c.builder(), part.dtype(), part.shape(), p));
    total = total.defined() ? total + power : power;
  });
  const Value root = p == 1 ? total
                     : p == 2
                         ? sqrt(total)
                         : pow(total, filled(c.builder(), total.dtype(), total.shape(), 1 / p));
  c.out(cast(root, x.dtype()));
}

std::vector<int64_t> spatial_axes(const Value& x) {
  std::vector<int64_t> axes;
  for (int64_t i = 2; i < x.rank(); ++i) axes.push_back(i);
  return axes;
}

void global_average_pool(Call& c) {
  c.out(reduce_mean(c.in(0), spatial_axes(c.in(0)), true));
}
void global_max_pool(Call& c) {
  c.out(reduce_max(c.in(0), spatial_axes(c.in(0)), true));
}
void global_lp_pool(Call& c) {
  const Value x = c.in(0);
  const auto p = static_cast<double>(c.integer("p", 2));
  const Value magnitude = abs(widened(x));
  const auto raised = [&](Value v, double e) {
    return pow(v, filled(c.builder(), v.dtype(), v.shape(), e));
  };
  c.out(cast(raised(reduce_sum(raised(magnitude, p), spatial_axes(x), true), 1 / p), x.dtype()));
}

void max_unpool(Call& c) {
  const Value x = c.in(0);
  const Value index = cast(c.in(1), DType::i64);
  const std::vector<int64_t> spatial = spatial_sizes(x), kernel = c.integers("kernel_shape");
  const std::vector<int64_t> strides =
      c.integers("strides", std::vector<int64_t>(spatial.size(), 1));
  const std::vector<int64_t> pads = c.integers("pads", std::vector<int64_t>(2 * spatial.size(), 0));
  require(kernel.size() == spatial.size() && strides.size() == spatial.size() &&
              pads.size() == 2 * spatial.size(),
          "its kernel, strides or pads do not fit {} spatial axes", spatial.size());
  std::vector<int64_t> inferred = {size_of(x, 0), size_of(x, 1)};
  for (size_t i = 0; i < spatial.size(); ++i)
    inferred.push_back((spatial[i] - 1) * strides[i] + kernel[i] - pads[i] -
                       pads[i + spatial.size()]);
  // The indices are flat positions within the shape that the pool had, which output_shape names
  // where it is not the smallest one.
  std::vector<int64_t> wanted = c.has(2) ? c.known_integers(2) : inferred;
  require(wanted.size() == inferred.size(), "its output_shape has {} axes", wanted.size());
  const auto unpooled = [&](const std::vector<int64_t>& sizes) {
    const int64_t count = checked_product(sizes);
    const Value flat = scatter_add(filled(c.builder(), x.dtype(), {Extent(count)}, 0),
                                   positions(reshape(index, {Extent(int64_t{-1})}), count),
                                   reshape(x, {Extent(int64_t{-1})}), 0);
    return reshape(flat, Shape(sizes));
  };
  if (wanted == inferred) return c.out(unpooled(inferred));
  // As ONNX's reference does it: unpooled to the smallest shape, then placed at the beginning.
  std::vector<int64_t> low(wanted.size(), 0), high;
  for (size_t i = 0; i < wanted.size(); ++i) high.push_back(wanted[i] - inferred[i]);
  c.out(pad(unpooled(inferred), c.builder().scalar(x.dtype(), 0), low, high));
}

constexpr OpRow kPoolRows[] = {
    {"MaxPool", max_pool_op},
    {"AveragePool", average_pool_op},
    {"LpPool", lp_pool},
    {"GlobalAveragePool", global_average_pool},
    {"GlobalMaxPool", global_max_pool},
    {"GlobalLpPool", global_lp_pool},
    {"MaxUnpool", max_unpool},
};

}  // namespace

std::span<const OpRow> pool_ops() {
  return kPoolRows;
}

}  // namespace brisk::onnx
