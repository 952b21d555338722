#include "brisk/formats/onnx/ops/linear_index.h"

#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/source/source.h"

namespace brisk::onnx {

LinearIndex linear_index(const Shape& shape, Value indices, int64_t batch) {
  require(indices.rank() >= 1, "its positions are a scalar");
  indices = cast(indices, DType::i64);
  const int64_t last = indices.rank() - 1, count = size_of(indices, last);
  require(batch >= 0 && batch <= last && batch + count <= shape.rank(),
          "{} coordinates behind {} batch axes do not fit a tensor of {}", count, batch,
          shape.to_string());
  LinearIndex result;
  result.indexed_axes = batch + count;
  const Shape outer(std::vector<Extent>(indices.shape().begin(), indices.shape().end() - 1));
  Value linear;
  for (int64_t axis = 0; axis < batch + count; ++axis) {
    const int64_t size = shape.size(axis);
    result.places *= size;
    Value at;
    if (axis < batch)
      at = iota(*indices.builder, DType::i64, outer, axis);
    else
      at = positions(reshape(slice_axis(indices, last, axis - batch, axis - batch + 1), outer),
                     size);
    linear = linear.defined() ? linear * static_cast<double>(size) + at : at;
  }
  result.index = linear.defined() ? linear : filled(*indices.builder, DType::i64, outer, 0);
  return result;
}

}  // namespace brisk::onnx
