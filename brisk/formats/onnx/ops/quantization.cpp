#include <cmath>
#include <numeric>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/cast_to.h"
#include "brisk/formats/onnx/ops/convolution.h"
#include "brisk/formats/onnx/ops/matrix.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/quantize/quantize.h"
#include "brisk/ops/reduce/reduce.h"

// Quantised ops as arithmetic: real = (stored - zero point) * scale. Integer products accumulate in
// i32, as ONNX asks.

namespace brisk::onnx {
namespace {

/// A scale or zero point - one number, one an index of `axis`, or one a block of it - at the shape
/// of x.
Value spread_parameter(Value parameter, const Value& x, int64_t axis, int64_t block) {
  if (parameter.rank() == 0) return broadcast_to(parameter, x.shape());
  if (block == 0) {
    if (parameter.rank() == 1 && extent_of(parameter, 0) == Extent(1))
      return broadcast_to(reshape(parameter, {}), x.shape());
    return broadcast_to(along(parameter, checked_axis(axis, x.rank()), x.rank()), x.shape());
  }
  axis = checked_axis(axis, x.rank());
  require(parameter.rank() == x.rank(), "blocks of {} need a scale of rank {}, not {}", block,
          x.rank(), parameter.rank());
  // [.., blocks, ..] to [.., blocks, block, ..] to [.., blocks * block, ..], cut to x's size.
  Shape wide;
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < x.rank(); ++i) {
    axes.push_back(wide.rank());
    wide.push_back(extent_of(parameter, i));
    if (i == axis) wide.push_back(Extent(block));
  }
  Shape joined = parameter.shape();
  joined[axis] = Extent(size_of(parameter, axis) * block);
  const Value repeated = reshape(broadcast(parameter, wide, axes), joined);
  return slice_axis(repeated, axis, 0, size_of(x, axis));
}

/// Scale and zero point of a whole tensor, where they are the model's own numbers and the integers
/// are ones that brisk's own ops take.
struct TensorForm {
  double scale;
  int64_t zero_point;
};
std::optional<TensorForm> tensor_form(Call& c, std::initializer_list<DType> taken, DType integers) {
  const auto is_number = [&](size_t i) {
    return c.trace.is_constant(c.item(i)) && c.trace.known(c.item(i)).tensor.num_elements() == 1;
  };
  if (std::find(taken.begin(), taken.end(), integers) == taken.end()) return std::nullopt;
  if (c.element(1) != ElementType::f32 || !is_number(1) || (c.has(2) && !is_number(2)))
    return std::nullopt;
  const TensorForm form{c.known(1).tensor.get(0),
                        c.has(2) ? static_cast<int64_t>(c.known(2).tensor.get(0)) : 0};
  return form.scale > 0 && std::isfinite(form.scale) ? std::optional(form) : std::nullopt;
}

void quantize_linear(Call& c) {
  const Value x = c.in(0);
  ElementType to = ElementType::u8;
  if (c.has(2)) to = c.element(2);
  if (const auto named = c.element_attribute("output_dtype")) to = *named;
  const int64_t axis = c.integer("axis", 1), block = c.integer("block_size", 0);
  const std::optional<DType> stored = carrier(to);
  if (x.dtype() == DType::f32 && stored && element_type_of(*stored) == to &&
      !c.has_attribute("precision"))
    if (const auto form = tensor_form(c, {DType::i8, DType::u8, DType::i16, DType::u16}, *stored))
      return c.out(
          quantize(x, {.scale = form->scale, .zero_point = form->zero_point, .dtype = *stored}));
  DType compute = DType::f32;
  if (const auto precision = c.element_attribute("precision"))
    compute = compute_type(carrier(*precision).value());
  const Value wide = cast(x, x.dtype() == DType::f64 ? DType::f64 : compute);
  const Value scale = spread_parameter(cast(c.in(1), wide.dtype()), wide, axis, block);
  Value y = wide / scale;
  if (is_tiny_float(to)) {
    if (c.has(2)) y = y + spread_parameter(cast(c.in(2), y.dtype()), y, axis, block);
    return c.out(cast_element(y, element_type_of(y.dtype()), to,
                              {.saturate = c.integer("saturate", 1) != 0}),
                 to);
  }
  y = round(y);
  if (c.has(2)) y = y + spread_parameter(cast(c.in(2), y.dtype()), y, axis, block);
  const IntegerRange range = integer_range(to);
  c.out(cast(clamp(y, range.low, range.high), carrier(to).value()), to);
}

void dequantize_linear(Call& c) {
  const Value x = c.in(0);
  const int64_t axis = c.integer("axis", 1), block = c.integer("block_size", 0);
  const ElementType to = c.element_attribute("output_dtype").value_or(c.element(1));
  if (to == ElementType::f32)
    if (const auto form =
            tensor_form(c, {DType::i8, DType::u8, DType::i16, DType::u16, DType::i32}, x.dtype()))
      return c.out(dequantize(x, {.scale = form->scale, .zero_point = form->zero_point}));
  // Integers are subtracted as integers: a 32-bit one does not fit f32.
  Value stored = brisk::is_floating(x.dtype()) ? cast(x, DType::f32) : cast(x, DType::i32);
  if (c.has(2))
    stored = stored - spread_parameter(cast(c.in(2), stored.dtype()), stored, axis, block);
  const Value scale = cast(c.in(1), DType::f32);
  c.out(cast(cast(stored, DType::f32) * spread_parameter(scale, stored, axis, block),
             carrier(to).value()),
        to);
}

void dynamic_quantize_linear(Call& c) {
  const Value x = c.in(0);
  Builder& builder = c.builder();
  const Value zero = builder.scalar(DType::f32, 0);
  const Value high = maximum(reduce_max(x), zero), low = minimum(reduce_min(x), zero);
  Value scale = (high - low) / builder.scalar(DType::f32, 255);
  const Value safe = select(equal(scale, zero), builder.scalar(DType::f32, 1), scale);
  const Value point = clamp(round(clamp((zero - low) / safe, 0, 255)), 0, 255);
  c.out(0, cast(clamp(round(x / safe) + point, 0, 255), DType::u8));
  c.out(1, scale);
  c.out(2, cast(point, DType::u8));
}

/// stored - zero point in i32; the zero point is one number or lies along an axis of x.
Value centred(Call& c, size_t x_input, size_t point_input, int64_t axis) {
  Value x = cast(c.in(x_input), DType::i32);
  if (!c.has(point_input)) return x;
  Value point = cast(c.in(point_input), DType::i32);
  if (point.rank() > 1) return x - point;
  return x - spread_parameter(point, x, axis, 0);
}

void matmul_integer(Call& c) {
  const int64_t rows = std::max<int64_t>(c.rank(0) - 2, 0), columns = c.rank(1) - 1;
  c.out(matrix_product(centred(c, 0, 2, rows), centred(c, 1, 3, columns)));
}

/// round(total * scale) + zero point in the type of the zero point.
void requantized(Call& c, Value total, Value scale, size_t point_input, ElementType to) {
  Value y = round(cast(total, DType::f32) * scale);
  const Value point = cast(c.in(point_input), DType::f32);
  y = y + (point.rank() == 1 && extent_of(point, 0) == Extent(1) ? reshape(point, {}) : point);
  const IntegerRange range = integer_range(to);
  c.out(cast(clamp(y, range.low, range.high), carrier(to).value()), to);
}

Value one_number(Value x) {
  return x.rank() > 0 && x.shape() == Shape{Extent(1)} ? reshape(x, {}) : x;
}

void qlinear_matmul(Call& c) {
  const int64_t rows = std::max<int64_t>(c.rank(0) - 2, 0), columns = c.rank(3) - 1;
  const Value total = matrix_product(centred(c, 0, 2, rows), centred(c, 3, 5, columns));
  const auto real_scale = [&](size_t i) { return cast(one_number(c.in(i)), DType::f32); };
  Value a = real_scale(1);
  if (a.rank() == 1) a = along(a, total.rank() - 2, total.rank());
  requantized(c, total, a * real_scale(4) / real_scale(6), 7, c.element(7));
}

void conv_integer(Call& c) {
  const Value x = centred(c, 0, 2, 1), filter = centred(c, 1, 3, 0);
  c.out(channels_first(convolve(c, x, filter)));
}

void qlinear_conv(Call& c) {
  Value total = convolve(c, centred(c, 0, 2, 1), centred(c, 3, 5, 0));
  if (c.has(8)) total = total + c.in(8);
  total = channels_first(total);
  const auto real_scale = [&](size_t i) { return cast(one_number(c.in(i)), DType::f32); };
  Value filter_scale = real_scale(4);
  if (filter_scale.rank() == 1) filter_scale = along(filter_scale, 1, total.rank());
  requantized(c, total, real_scale(1) * filter_scale / real_scale(6), 7, c.element(7));
}

constexpr OpRow kQuantizationRows[] = {
    {"QuantizeLinear", quantize_linear},
    {"DequantizeLinear", dequantize_linear},
    {"DynamicQuantizeLinear", dynamic_quantize_linear},
    {"MatMulInteger", matmul_integer},
    {"QLinearMatMul", qlinear_matmul},
    {"ConvInteger", conv_integer},
    {"QLinearConv", qlinear_conv},
};

}  // namespace

std::span<const OpRow> quantization_ops() {
  return kQuantizationRows;
}

}  // namespace brisk::onnx
