#include "brisk/nn/floating.h"

#include <vector>

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {

Value as_float(Value x) {
  return is_floating(x.dtype()) ? x : cast(x, DType::f32);
}

Value in_f32(Value x) {
  return x.dtype() == DType::f64 ? x : cast(x, DType::f32);
}

Value mean_per_example(Value x) {
  std::vector<int64_t> axes;
  for (int64_t axis = 1; axis < x.rank(); ++axis) axes.push_back(axis);
  return axes.empty() ? x : reduce_mean(x, axes);
}

}  // namespace brisk
