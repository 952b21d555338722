#pragma once

/// NumPy's broadcasting: shapes are aligned at their last axes; two extents agree when they are
/// equal (named ones by name) or one of them is 1.

#include <string_view>
#include <vector>

#include "brisk/ir/builder.h"

namespace brisk {

/// The joint shape; refused with `op`'s name and both shapes when there is none.
Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b);
/// Every value broadcast to the joint shape of all.
std::vector<Value> broadcast_together(std::string_view op, std::vector<Value> values);

}  // namespace brisk
