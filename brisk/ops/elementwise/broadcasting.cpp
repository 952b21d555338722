#include "brisk/ops/elementwise/broadcasting.h"

#include <algorithm>

#include "brisk/ops/move/move.h"

namespace brisk {

Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b) {
  const int64_t rank = std::max(a.rank(), b.rank());
  std::vector<Extent> extents;
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t in_a = i - (rank - a.rank()), in_b = i - (rank - b.rank());
    const Extent extent_a = in_a < 0 ? Extent(1) : a[in_a];
    const Extent extent_b = in_b < 0 ? Extent(1) : b[in_b];
    require(extent_a == extent_b || extent_a == Extent(1) || extent_b == Extent(1),
            "[{}] shapes {} and {} do not broadcast: {} meets {}", op, a.to_string(), b.to_string(),
            extent_a.to_string(), extent_b.to_string());
    extents.push_back(extent_a == Extent(1) ? extent_b : extent_a);
  }
  return Shape(std::move(extents));
}

std::vector<Value> broadcast_together(std::string_view op, std::vector<Value> values) {
  Shape joint;
  for (const Value& value : values) joint = broadcast_shapes(op, joint, value.shape());
  for (Value& value : values) value = broadcast_to(value, joint);
  return values;
}

}  // namespace brisk
