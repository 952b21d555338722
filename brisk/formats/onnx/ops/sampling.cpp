#include "brisk/formats/onnx/ops/sampling.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "brisk/base/checked.h"
#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/limits.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"

// Per spatial axis a coordinate has taps (1 for nearest, 2 for linear, 4 for cubic), each a pixel's
// position and a weight; the result is the sum over all combinations of taps. A position outside is
// clamped, mirrored, or reads zero. Pixels are read by position in the flattened image.

namespace brisk::onnx {
namespace {

struct Tap {
  Value position;  ///< floating, whole, [batch, points]
  Value weight;
};

Value full(const Value& like, double value) {
  return filled(*like.builder, like.dtype(), like.shape(), value);
}

/// x folded back into [low, high] as by mirrors at both ends.
Value reflected(Value x, double low, double high) {
  const double range = high - low;
  if (range <= 0) return full(x, low);
  const Value distance = abs(x - low);
  const Value turns = floor(distance * (1 / range));
  const Value rest = distance - turns * range;
  const Value odd = greater(turns - floor(turns * 0.5) * 2.0, full(x, 0.5));
  return select(odd, high - rest, rest + low);
}

std::vector<Tap> taps(Value x, const std::string& mode) {
  if (mode == "nearest") return {{round(x), full(x, 1)}};
  const Value base = floor(x), t = x - base;
  if (mode == "linear" || mode == "bilinear") return {{base, 1.0 - t}, {base + 1.0, t}};
  require(mode == "cubic" || mode == "bicubic", "its mode is '{}'", mode);
  constexpr double a = -0.75;
  const auto near = [](Value d) { return ((d * (a + 2) - (a + 3)) * d) * d + 1.0; };
  const auto far = [](Value d) { return ((d * a - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {{base - 1.0, far(t + 1.0)},
          {base, near(t)},
          {base + 1.0, near(1.0 - t)},
          {base + 2.0, far(2.0 - t)}};
}

}  // namespace

Value sampled(Value x, const std::vector<Value>& coordinates, const SampleRules& rules) {
  const auto rank = static_cast<int64_t>(coordinates.size());
  const Extent batch = extent_of(x, 0), channels = extent_of(x, 1),
               points = extent_of(coordinates[0], 1);
  int64_t pixels = 1;
  std::vector<std::vector<Tap>> axes;
  for (int64_t axis = 0; axis < rank; ++axis) {
    const int64_t size = size_of(x, axis + 2);
    pixels *= size;
    axes.push_back(taps(coordinates[static_cast<size_t>(axis)], rules.mode));
    for (Tap& tap : axes.back()) {
      Value at = tap.position;
      const double last = static_cast<double>(size - 1);
      if (rules.padding == "zeros") {
        const Value inside =
            logical_and(greater_equal(at, full(at, 0)), less_equal(at, full(at, last)));
        tap.weight = select(inside, tap.weight, full(at, 0));
      } else if (rules.padding == "reflection") {
        // The reference cuts the mirrored position off to a whole number.
        at = rules.align_corners ? reflected(at, 0, last)
                                 : floor(reflected(at, -0.5, last + 0.5) + 1e-6);
      } else {
        require(rules.padding == "border", "its padding_mode is '{}'", rules.padding);
      }
      tap.position = clamp(at, 0, last);
    }
  }
  const Value flat = reshape(x, {batch, channels, Extent(pixels)});
  Value total;
  const std::function<void(int64_t, Value, Value)> visit = [&](int64_t axis, Value position,
                                                               Value weight) {
    if (axis == rank) {
      const Shape wide{batch, channels, points};
      const Value index = broadcast_to(expand_dims(cast(position, DType::i32), 1), wide);
      const Value read = take_along_axis(flat, index, 2) *
                         broadcast_to(expand_dims(cast(weight, x.dtype()), 1), wide);
      total = total.defined() ? total + read : read;
      return;
    }
    for (const Tap& tap : axes[static_cast<size_t>(axis)]) {
      const Value next = position.defined()
                             ? position * static_cast<double>(size_of(x, axis + 2)) + tap.position
                             : tap.position;
      visit(axis + 1, next, weight.defined() ? weight * tap.weight : tap.weight);
    }
  };
  visit(0, {}, {});
  return total;
}

namespace {

void grid_sample(Call& c) {
  const Value x = c.in(0),
              grid = c.in(
                  1);  // [batch, channels, spatial...], [batch, out..., rank], last axis x first
  const int64_t rank = x.rank() - 2;
  require(grid.rank() == x.rank() && size_of(grid, grid.rank() - 1) == rank,
          "its grid {} does not fit {}", grid.shape().to_string(), x.shape().to_string());
  const bool align = c.integer("align_corners", 0) != 0;
  Shape result{extent_of(x, 0), extent_of(x, 1)};
  for (int64_t i = 1; i < grid.rank() - 1; ++i) result.push_back(extent_of(grid, i));
  const SampleRules rules{c.text("mode", "linear"), c.text("padding_mode", "zeros"), align};
  std::vector<Value> coordinates;
  for (int64_t axis = 0; axis < rank; ++axis) {
    const int64_t at = rank - 1 - axis, size = size_of(x, axis + 2);
    Value n = reshape(slice_axis(grid, grid.rank() - 1, at, at + 1),
                      {extent_of(x, 0), Extent(int64_t{-1})});
    n = widened(n);
    Value pixel = align ? (n + 1.0) * (static_cast<double>(size - 1) / 2)
                        : ((n + 1.0) * static_cast<double>(size) - 1.0) * 0.5;
    const double low = align ? 0 : -0.5,
                 high = align ? static_cast<double>(size - 1) : static_cast<double>(size) - 0.5;
    // The coordinate itself is moved inside before taps are taken.
    if (rules.mode != "nearest" || rules.padding != "zeros") {
      if (rules.padding == "border") pixel = clamp(pixel, 0, static_cast<double>(size - 1));
      if (rules.padding == "reflection") {
        const Value is_outside =
            logical_or(less(pixel, full(pixel, low)), greater(pixel, full(pixel, high)));
        pixel = select(is_outside, reflected(pixel, low, high), pixel);
      }
    }
    coordinates.push_back(pixel);
  }
  c.out(cast(reshape(sampled(widened(x), coordinates, rules), result), x.dtype()));
}

/// theta [batch, rank, rank + 1] applied to the places of a grid of `size`.
void affine_grid(Call& c) {
  const Value theta = c.in(0);
  const std::vector<int64_t> size = c.known_integers(1);
  const int64_t rank = static_cast<int64_t>(size.size()) - 2;
  require(rank == 2 || rank == 3, "its size has {} numbers", size.size());
  const bool align = c.integer("align_corners", 0) != 0;
  int64_t count = 1;
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t extent = size[static_cast<size_t>(i) + 2];
    require(extent > 0, "its grid has {} places along an axis", extent);
    count = checked_multiply(count, extent, "its grid's places");
  }
  check_table("places", rank + 1, count);
  Tensor places(DType::f64, {rank + 1, count});
  for (int64_t point = 0; point < count; ++point) {
    int64_t rest = point;
    for (int64_t axis = rank - 1; axis >= 0; --axis) {
      const int64_t extent = size[static_cast<size_t>(axis) + 2];
      const auto at = static_cast<double>(rest % extent), n = static_cast<double>(extent);
      rest /= extent;
      places.set((rank - 1 - axis) * count + point,
                 align ? (n == 1 ? -1 : -1 + 2 * at / (n - 1)) : (2 * at + 1) / n - 1);
    }
    places.set(rank * count + point, 1);
  }
  const Value all = broadcast_to(c.builder().constant(places.cast(theta.dtype())),
                                 {extent_of(theta, 0), Extent(rank + 1), Extent(count)});
  Shape result{extent_of(theta, 0)};
  for (int64_t i = 0; i < rank; ++i) result.push_back(Extent(size[static_cast<size_t>(i) + 2]));
  result.push_back(Extent(rank));
  c.out(reshape(transpose(matmul(theta, all), {0, 2, 1}), result));
}

/// rois [n, 4] of images batch_indices [n]: each cut into output_height x output_width bins, a bin
/// the mean (or maximum) of sampling_ratio^2 samples.
void roi_align(Call& c) {
  const HostTensor rois = c.known(1);
  const std::vector<int64_t> images = c.known_integers(2);
  const Value x = c.in(0);
  const int64_t count = rois.sizes.at(0), out_height = c.integer("output_height", 1),
                out_width = c.integer("output_width", 1);
  const int64_t ratio = c.integer("sampling_ratio", 0), height = size_of(x, 2),
                width = size_of(x, 3);
  const double scale = c.real("spatial_scale", 1);
  const bool half = c.text("coordinate_transformation_mode",
                           c.opset < 16 ? "output_half_pixel" : "half_pixel") == "half_pixel";
  const bool average = c.text("mode", "avg") == "avg";
  require(
      static_cast<int64_t>(images.size()) == count && rois.sizes.size() == 2 && rois.sizes[1] == 4,
      "its rois and batch_indices do not fit");
  require(height > 0 && width > 0 && out_height > 0 && out_width > 0,
          "it cuts {} x {} elements into {} x {} bins", height, width, out_height, out_width);
  const auto samples_of = [&](double extent, int64_t bins) {
    return ratio > 0
               ? ratio
               : std::max<int64_t>(1, truncated(std::ceil(extent / static_cast<double>(bins))));
  };
  std::vector<Value> results;
  for (int64_t roi = 0; roi < count; ++roi) {
    const double shift = half ? 0.5 : 0;
    const auto corner = [&](int64_t k) { return rois.tensor.get(roi * 4 + k) * scale - shift; };
    double roi_width = corner(2) - corner(0), roi_height = corner(3) - corner(1);
    require(std::isfinite(corner(0) + corner(1) + roi_width + roi_height), "roi {} is not finite",
            roi);
    if (!half) {
      roi_width = std::max(roi_width, 1.0);
      roi_height = std::max(roi_height, 1.0);
    }
    const double bin_height = roi_height / static_cast<double>(out_height),
                 bin_width = roi_width / static_cast<double>(out_width);
    const int64_t rows = samples_of(roi_height, out_height),
                  columns = samples_of(roi_width, out_width);
    constexpr double kMaxSamples = 1 << 28;
    require(static_cast<double>(out_height) * static_cast<double>(out_width) *
                    static_cast<double>(rows) * static_cast<double>(columns) <=
                kMaxSamples,
            "roi {} takes {} x {} samples in each of {} x {} bins", roi, rows, columns, out_height,
            out_width);
    // Four corners of every sample: position in the image and weight.
    const int64_t points = out_height * out_width * rows * columns;
    Tensor positions(DType::i32, {4, points}), weights(DType::f32, {4, points});
    int64_t point = 0;
    for (int64_t bin = 0; bin < out_height * out_width; ++bin)
      for (int64_t sample = 0; sample < rows * columns; ++sample, ++point) {
        double y =
            corner(1) + static_cast<double>(bin / out_width) * bin_height +
            (static_cast<double>(sample / columns) + 0.5) * bin_height / static_cast<double>(rows);
        double z = corner(0) + static_cast<double>(bin % out_width) * bin_width +
                   (static_cast<double>(sample % columns) + 0.5) * bin_width /
                       static_cast<double>(columns);
        const bool gone =
            y < -1 || y > static_cast<double>(height) || z < -1 || z > static_cast<double>(width);
        y = std::clamp(y, 0.0, static_cast<double>(height - 1));
        z = std::clamp(z, 0.0, static_cast<double>(width - 1));
        const auto top = static_cast<int64_t>(y), left = static_cast<int64_t>(z);
        const double fy = y - static_cast<double>(top), fz = z - static_cast<double>(left);
        for (int64_t k = 0; k < 4; ++k) {
          const int64_t row = std::min(top + k / 2, height - 1),
                        column = std::min(left + k % 2, width - 1);
          const double weight = (k / 2 == 0 ? 1 - fy : fy) * (k % 2 == 0 ? 1 - fz : fz);
          positions.set(k * points + point, gone ? 0 : static_cast<double>(row * width + column));
          weights.set(k * points + point, gone ? 0 : weight);
        }
      }
    const int64_t image = images[static_cast<size_t>(roi)];
    require(image >= 0 && image < size_of(x, 0), "a roi lies in image {} of {}", image,
            size_of(x, 0));
    const Value flat =
        reshape(slice_axis(x, 0, image, image + 1), {extent_of(x, 1), Extent(height * width)});
    const Value read = gather(flat, c.builder().constant(positions), 1);  // [channels, 4, points]
    const Value weighted =
        read * broadcast_to(c.builder().constant(weights.cast(x.dtype())), read.shape());
    const Shape bins{extent_of(x, 1), Extent(out_height), Extent(out_width),
                     Extent(rows * columns)};
    const Value value = average ? reduce_mean(reshape(reduce_sum(weighted, {1}), bins), {3})
                                : reduce_max(reshape(reduce_max(weighted, {1}), bins), {3});
    results.push_back(expand_dims(value, 0));
  }
  if (results.empty())
    return c.out(filled(c.builder(), x.dtype(),
                        {Extent(0), extent_of(x, 1), Extent(out_height), Extent(out_width)}, 0));
  c.out(results.size() == 1 ? results[0] : concatenate(results, 0));
}

constexpr OpRow kSamplingRows[] = {
    {"GridSample", grid_sample},
    {"AffineGrid", affine_grid},
    {"RoiAlign", roi_align},
};

}  // namespace

std::span<const OpRow> sampling_ops() {
  return kSamplingRows;
}

}  // namespace brisk::onnx
