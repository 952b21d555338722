#include "brisk/formats/onnx/ops/resize.h"

#include <cmath>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/image_decoder.h"
#include "brisk/formats/onnx/ops/limits.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/index/index.h"

// Interpolation is separable: along each axis the result is a matrix [out, in] times the input. The
// matrix depends on sizes alone and is made here; nearest needs only positions.
//
// A place of the result has a coordinate in the input (the coordinate transformation). Its taps are
// the pixels around floor(coordinate), the weights those of the kernel at their distance; a pixel
// outside counts as the edge's, or not at all (exclude_outside). Antialiasing widens the kernel by
// the factor that the image shrinks.

namespace brisk::onnx {
namespace {

double coordinate(int64_t place, const AxisResize& size, const std::string& mode) {
  const double x = static_cast<double>(place), in = static_cast<double>(size.in),
               scale = size.scale;
  const double full = scale * in;  // the size before it was rounded
  if (mode == "align_corners") return full == 1 ? 0 : x * (in - 1) / (full - 1);
  if (mode == "asymmetric") return x / scale;
  if (mode == "pytorch_half_pixel" && full == 1) return -0.5;
  if (mode == "half_pixel" || mode == "pytorch_half_pixel") return (x + 0.5) / scale - 0.5;
  if (mode == "half_pixel_symmetric") {
    const double adjustment = static_cast<double>(size.out) / full;
    return in / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5;
  }
  require(mode == "tf_crop_and_resize", "its coordinate_transformation_mode is '{}'", mode);
  const double span = (size.roi_end - size.roi_start) * (in - 1);
  return size.roi_start * (in - 1) + (full == 1 ? span / 2 : x * span / (full - 1));
}

int64_t nearest_pixel(double at, const std::string& mode) {
  const double rest = at - std::floor(at);
  const int64_t low = truncated(std::floor(at));
  if (mode == "floor" || rest == 0) return low;
  if (mode == "ceil") return low + 1;
  if (mode == "round_prefer_ceil") return low + (rest >= 0.5 ? 1 : 0);
  require(mode == "round_prefer_floor", "its nearest_mode is '{}'", mode);
  return low + (rest > 0.5 ? 1 : 0);
}

double kernel(double distance, const ResizeRules& rules) {
  const double x = std::fabs(distance), a = rules.cubic_a;
  if (rules.mode == "linear") return std::max(0.0, 1 - x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

bool outside(double at, const AxisResize& size, const ResizeRules& rules) {
  return rules.coordinates == "tf_crop_and_resize" &&
         (at < 0 || at > static_cast<double>(size.in - 1));
}

/// [out, in] weights; rows outside are zero.
std::vector<float> weights(const AxisResize& size, const ResizeRules& rules) {
  std::vector<float> matrix(static_cast<size_t>(size.out * size.in), 0);
  const double shrink = rules.antialias ? std::min(size.scale, 1.0) : 1.0;
  const double radius = (rules.mode == "linear" ? 1 : 2) / shrink;
  for (int64_t place = 0; place < size.out; ++place) {
    const double at = coordinate(place, size, rules.coordinates);
    if (outside(at, size, rules)) continue;
    std::vector<double> row(static_cast<size_t>(size.in), 0);
    double total = 0;
    const int64_t last = truncated(std::ceil(at + radius));
    for (int64_t pixel = truncated(std::floor(at - radius)); pixel <= last; ++pixel) {
      const bool inside = pixel >= 0 && pixel < size.in;
      if (rules.exclude_outside && !inside) continue;
      const double weight = kernel((at - static_cast<double>(pixel)) * shrink, rules);
      row[static_cast<size_t>(std::clamp<int64_t>(pixel, 0, size.in - 1))] += weight;
      total += weight;
    }
    const double norm = (rules.exclude_outside || rules.antialias) && total != 0 ? total : 1;
    for (int64_t pixel = 0; pixel < size.in; ++pixel)
      matrix[static_cast<size_t>(place * size.in + pixel)] =
          static_cast<float>(row[static_cast<size_t>(pixel)] / norm);
  }
  return matrix;
}

Value resize_nearest(Value x, int64_t axis, const AxisResize& size, const ResizeRules& rules) {
  std::vector<int64_t> sources;
  for (int64_t place = 0; place < size.out; ++place)
    sources.push_back(std::clamp<int64_t>(
        nearest_pixel(coordinate(place, size, rules.coordinates), rules.nearest), 0, size.in - 1));
  return gather(x, integer_list(*x.builder, sources), axis);
}

Value extrapolated(Value x, int64_t axis, const AxisResize& size, const ResizeRules& rules) {
  if (rules.coordinates != "tf_crop_and_resize") return x;
  Tensor mask(DType::boolean, {size.out});
  for (int64_t place = 0; place < size.out; ++place)
    mask.data<bool>()[static_cast<size_t>(place)] =
        outside(coordinate(place, size, rules.coordinates), size, rules);
  const Value is_outside =
      broadcast_to(along(x.builder->constant(mask), axis, x.rank()), x.shape());
  return select(is_outside, filled(*x.builder, x.dtype(), x.shape(), rules.extrapolation), x);
}

/// An axis of `in` elements at `scale`.
AxisResize scaled(int64_t in, double scale) {
  require(scale > 0 && scale < 1e6, "its scale is {}", scale);
  return {in, truncated(std::floor(scale * static_cast<double>(in))), scale};
}

void run(Call& c, const Value& input, const std::vector<AxisResize>& sizes,
         const ResizeRules& rules) {
  const bool nearest = rules.mode == "nearest";
  require(nearest || rules.mode == "linear" || rules.mode == "cubic", "its mode is '{}'",
          rules.mode);
  Value x = nearest ? input : is_floating(input.dtype()) ? widened(input) : cast(input, DType::f32);
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    const AxisResize& size = sizes[axis];
    const bool whole_roi = size.roi_start == 0 && size.roi_end == 1;
    if (size.in == size.out && std::fabs(size.scale - 1) < 1e-9 &&
        (whole_roi || rules.coordinates != "tf_crop_and_resize"))
      continue;
    x = resize_axis(x, static_cast<int64_t>(axis), size, rules);
  }
  if (x.dtype() != input.dtype() && !is_floating(input.dtype())) {
    const IntegerRange range = integer_range(c.element(0));
    x = clamp(round(x), range.low, range.high);
  }
  c.out(cast(x, input.dtype()), c.element(0));
}

void resize_op(Call& c) {
  const Value x = c.in(0);
  const int64_t rank = x.rank();
  ResizeRules rules{
      .mode = c.text("mode", "nearest"),
      .coordinates =
          c.text("coordinate_transformation_mode", c.opset < 11 ? "asymmetric" : "half_pixel"),
      .nearest = c.text("nearest_mode", c.opset < 11 ? "floor" : "round_prefer_floor"),
      .cubic_a = c.real("cubic_coeff_a", -0.75F),
      .exclude_outside = c.integer("exclude_outside", 0) != 0,
      .antialias = c.integer("antialias", 0) != 0,
      .extrapolation = c.real("extrapolation_value", 0)};
  std::vector<int64_t> axes = c.integers("axes");
  if (axes.empty())
    for (int64_t i = 0; i < rank; ++i) axes.push_back(i);
  for (int64_t& axis : axes) axis = checked_axis(axis, rank);
  const size_t roi_input = 1, scales_input = c.opset < 11 ? 1 : 2, sizes_input = 3;
  std::vector<AxisResize> sizes;
  for (int64_t i = 0; i < rank; ++i) sizes.push_back({size_of(x, i), size_of(x, i), 1, 0, 1});
  const bool has_sizes = c.opset >= 11 && c.has(sizes_input) &&
                         !c.known(sizes_input).sizes.empty() && c.known(sizes_input).sizes[0] > 0;
  if (has_sizes) {
    const std::vector<int64_t> wanted = c.known_integers(sizes_input);
    require(wanted.size() == axes.size(), "it has {} sizes for {} axes", wanted.size(),
            axes.size());
    const std::string policy = c.text("keep_aspect_ratio_policy", "stretch");
    double scale = 0;
    for (size_t i = 0; i < axes.size(); ++i) {
      const double ratio = static_cast<double>(wanted[i]) /
                           static_cast<double>(sizes[static_cast<size_t>(axes[i])].in);
      scale = i == 0                   ? ratio
              : policy == "not_larger" ? std::min(scale, ratio)
                                       : std::max(scale, ratio);
    }
    for (size_t i = 0; i < axes.size(); ++i) {
      AxisResize& size = sizes[static_cast<size_t>(axes[i])];
      size.out =
          policy == "stretch" ? wanted[i] : truncated(scale * static_cast<double>(size.in) + 0.5);
      size.scale = policy == "stretch"
                       ? static_cast<double>(wanted[i]) / static_cast<double>(size.in)
                       : scale;
    }
  } else {
    const std::vector<double> scales = reals(c.known(scales_input));
    require(scales.size() == axes.size(), "it has {} scales for {} axes", scales.size(),
            axes.size());
    for (size_t i = 0; i < axes.size(); ++i) {
      AxisResize& size = sizes[static_cast<size_t>(axes[i])];
      size = scaled(size.in, scales[i]);
    }
  }
  if (rules.coordinates == "tf_crop_and_resize" && c.has(roi_input)) {
    const std::vector<double> roi = reals(c.known(roi_input));
    require(roi.size() == 2 * axes.size(), "its roi has {} numbers for {} axes", roi.size(),
            axes.size());
    for (size_t i = 0; i < axes.size(); ++i) {
      sizes[static_cast<size_t>(axes[i])].roi_start = roi[i];
      sizes[static_cast<size_t>(axes[i])].roi_end = roi[axes.size() + i];
    }
  }
  run(c, c.in(0), sizes, rules);
}

void upsample(Call& c) {
  const Value x = c.in(0);
  std::vector<double> scales;
  if (c.opset < 9)
    for (const float scale : c.reals("scales")) scales.push_back(scale);
  else
    scales = reals(c.known(1));
  require(static_cast<int64_t>(scales.size()) == x.rank(), "it has {} scales for rank {}",
          scales.size(), x.rank());
  std::vector<AxisResize> sizes;
  for (int64_t i = 0; i < x.rank(); ++i) {
    sizes.push_back(scaled(size_of(x, i), scales[static_cast<size_t>(i)]));
  }
  run(c, c.in(0), sizes,
      {.mode = c.text("mode", "nearest"), .coordinates = "asymmetric", .nearest = "floor"});
}

constexpr OpRow kResizeRows[] = {
    {"Resize", resize_op},
    {"Upsample", upsample},
    {.op = "ImageDecoder", .importer = image_decoder, .host = true},
};

}  // namespace

Value resize_axis(Value x, int64_t axis, const AxisResize& size, const ResizeRules& rules) {
  check_table("interpolation", size.out, rules.mode == "nearest" ? 1 : size.in);
  require(size.in > 0, "an axis without elements is not resized");
  if (rules.mode == "nearest")
    return extrapolated(resize_nearest(x, axis, size, rules), axis, size, rules);
  const Tensor matrix = Tensor::of<float>({size.out, size.in}, weights(size, rules));
  const Value table =
      x.builder->constant(x.dtype() == DType::f32 ? matrix : matrix.cast(x.dtype()));
  const Value moved = axis_to_end(x, axis);
  const Value y = dot_general(moved, table, {.lhs_contract = {x.rank() - 1}, .rhs_contract = {1}});
  return extrapolated(axis_from_end(y, axis), axis, size, rules);
}

std::span<const OpRow> image_ops() {
  return kResizeRows;
}

}  // namespace brisk::onnx
