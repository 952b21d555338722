#include "brisk/formats/onnx/ops/values.h"

#include <algorithm>
#include <numeric>

namespace brisk::onnx {

Value filled(Builder& builder, DType type, const Shape& shape, double value) {
  return broadcast_to(builder.scalar(type, value), shape);
}

Value integer_list(Builder& builder, const std::vector<int64_t>& values, DType type) {
  Tensor tensor = Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
  return builder.constant(type == DType::i64 ? tensor : tensor.cast(type));
}

Value real_list(Builder& builder, const std::vector<float>& values, DType type) {
  Tensor tensor = Tensor::of<float>({static_cast<int64_t>(values.size())}, values);
  return builder.constant(type == DType::f32 ? tensor : tensor.cast(type));
}

Value widened(Value x) {
  return cast(x, compute_type(x.dtype()));
}

int64_t checked_axis(int64_t axis, int64_t rank) {
  return normalize_axis(axis, rank, "axis");
}

std::vector<int64_t> checked_axes(std::vector<int64_t> axes, int64_t rank) {
  for (int64_t& axis : axes) axis = checked_axis(axis, rank);
  std::sort(axes.begin(), axes.end());
  require(std::adjacent_find(axes.begin(), axes.end()) == axes.end(), "an axis is named twice");
  return axes;
}

const Extent& extent_of(const Value& x, int64_t axis) {
  require(axis >= 0 && axis < x.rank(), "it needs axis {} of {}, which has none", axis,
          x.shape().to_string());
  return x.shape()[axis];
}

int64_t size_of(const Value& x, int64_t axis) {
  const Extent& extent = extent_of(x, axis);
  require(
      !extent.is_named(),
      "the size of dimension '{}' has to be known here: give it a number (--dimension NAME=SIZE, "
      "LoadOptions::dimensions)",
      extent.name());
  return extent.size();
}

Value channels_last(Value x) {
  return axis_to_end(x, 1);
}
Value channels_first(Value x) {
  return axis_from_end(x, 1);
}

Value axis_to_end(Value x, int64_t axis) {
  (void)extent_of(x, axis);
  std::vector<int64_t> permutation(static_cast<size_t>(x.rank()));
  std::iota(permutation.begin(), permutation.end(), 0);
  permutation.erase(permutation.begin() + axis);
  permutation.push_back(axis);
  return axis == x.rank() - 1 ? x : transpose(x, permutation);
}

Value axis_from_end(Value x, int64_t axis) {
  (void)extent_of(x, axis);
  std::vector<int64_t> permutation(static_cast<size_t>(x.rank()));
  std::iota(permutation.begin(), permutation.end(), 0);
  permutation.pop_back();
  permutation.insert(permutation.begin() + axis, x.rank() - 1);
  return axis == x.rank() - 1 ? x : transpose(x, permutation);
}

Value along(Value vector, int64_t axis, int64_t rank) {
  Shape shape;
  for (int64_t i = 0; i < rank; ++i) shape.push_back(i == axis ? extent_of(vector, 0) : Extent(1));
  return reshape(vector, shape);
}

Value slice_any(Value x, int64_t axis, int64_t start, int64_t count, int64_t step) {
  const int64_t size = size_of(x, axis);
  if (count <= 0) return slice_axis(x, axis, 0, 0);
  if (step < 0) {
    x = reverse(x, {axis});
    start = size - 1 - start;
    step = -step;
  }
  std::vector<int64_t> starts, limits, steps;
  for (int64_t i = 0; i < x.rank(); ++i) {
    starts.push_back(i == axis ? start : 0);
    limits.push_back(i == axis                    ? start + (count - 1) * step + 1
                     : extent_of(x, i).is_named() ? -1
                                                  : size_of(x, i));
    steps.push_back(i == axis ? step : 1);
  }
  return slice(x, starts, limits, steps);
}

Value positions(Value indices, int64_t extent) {
  if (indices.dtype() != DType::i32 && indices.dtype() != DType::i64)
    indices = cast(indices, DType::i64);
  const Value zero = indices.builder->scalar(indices.dtype(), 0);
  return select(less(indices, broadcast_to(zero, indices.shape())),
                indices + static_cast<double>(extent), indices);
}

Value scaled(Value x, double factor) {
  return factor == 1 ? x : x * factor;
}
Value plus(Value x, double term) {
  return term == 0 ? x : x + term;
}

}  // namespace brisk::onnx
