#include "brisk/ops/fused/channel_sums.h"

#include <numeric>

#include "brisk/ops/reduce/reduce.h"

namespace brisk {

std::vector<int64_t> batch_axes(const Value& x) {
  std::vector<int64_t> axes(static_cast<size_t>(x.rank() - 1));
  std::iota(axes.begin(), axes.end(), int64_t{0});
  return axes;
}

Type channel_vector(const Type& image) {
  const Shape& shape = image.shape();
  return Type(compute_type(image.dtype()), Shape{shape[shape.rank() - 1]});
}

Value channel_sum(Value x) {
  return reduce_sum(x, batch_axes(x));
}

}  // namespace brisk
