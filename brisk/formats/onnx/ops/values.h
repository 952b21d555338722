#pragma once

/// What importers say often, over values of a brisk graph.

#include <span>
#include <vector>

#include "brisk/formats/onnx/call.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

namespace brisk::onnx {

/// A tensor of one number.
Value filled(Builder& builder, DType type, const Shape& shape, double value);
/// A constant list of integers.
Value integer_list(Builder& builder, const std::vector<int64_t>& values, DType type = DType::i64);
/// A constant list of f32.
Value real_list(Builder& builder, const std::vector<float>& values, DType type = DType::f32);

/// f32 for short floats, else the type itself: where formulas are computed.
Value widened(Value x);
/// The result f(x) of an op, computed in the widened type and given in x's own.
template <typename F>
void formula(Call& c, F f) {
  const Value x = c.in(0);
  c.out(cast(f(widened(x)), x.dtype()));
}
/// `axis` counted from the end where it is negative; refused when out of range.
int64_t checked_axis(int64_t axis, int64_t rank);
std::vector<int64_t> checked_axes(std::vector<int64_t> axes, int64_t rank);
/// The extent of an axis; refused where `x` has no such axis.
const Extent& extent_of(const Value& x, int64_t axis);
/// The size of an axis; refused with how to give a named one a number.
int64_t size_of(const Value& x, int64_t axis);

/// [batch, channels, spatial...] to [batch, spatial..., channels] and back.
Value channels_last(Value x);
Value channels_first(Value x);
/// `axis` moved to the end, or from the end to `axis`.
Value axis_to_end(Value x, int64_t axis);
Value axis_from_end(Value x, int64_t axis);
/// A vector along `axis` of a tensor of `rank` axes: [1, .., n, .., 1].
Value along(Value vector, int64_t axis, int64_t rank);

/// The whole axis where a limit is -1... one axis of a slice, with any step but 0.
Value slice_any(Value x, int64_t axis, int64_t start, int64_t count, int64_t step);
/// Positions along an axis of `extent` as reads mean them: negative ones count from the end.
Value positions(Value indices, int64_t extent);

/// x + y, x * y ... of constants folds by itself; these skip what does nothing.
Value scaled(Value x, double factor);
Value plus(Value x, double term);

}  // namespace brisk::onnx
