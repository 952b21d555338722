#include "brisk/backends/cpu/kernels/index/axis_view.h"

namespace brisk::cpu {

AxisView view_around(const Shape& shape, int64_t axis) {
  AxisView view;
  for (int64_t i = 0; i < axis; ++i) view.outer *= shape.size(i);
  view.extent = shape.size(axis);
  for (int64_t i = axis + 1; i < shape.rank(); ++i) view.inner *= shape.size(i);
  return view;
}

}  // namespace brisk::cpu
