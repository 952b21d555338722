#pragma once

/// Positions of several coordinates as positions in row-major order: GatherND, ScatterND.

#include "brisk/ir/builder.h"

namespace brisk::onnx {

struct LinearIndex {
  Value index;  ///< i64, the indices' shape without its last axis
  int64_t indexed_axes =
      0;               ///< leading axes of the tensor that a position names, batch axes included
  int64_t places = 1;  ///< product of their sizes
};
/// `indices` [batch..., ..., k]: the last axis holds k coordinates behind `batch` batch axes;
/// negative ones count from the end.
LinearIndex linear_index(const Shape& shape, Value indices, int64_t batch);

}  // namespace brisk::onnx
