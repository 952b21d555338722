#pragma once

/// The index kind: ops that read or write along one axis at positions given as data. Reads clamp
/// positions into range, writes drop those out of it; the gradients keep that difference exact.

#include <string>

#include "brisk/ir/builder.h"
#include "brisk/ir/op.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {

/// An op with AxisAttributes.
Op indexed(std::string name, int num_operands);

/// The axis; refused when it is out of range for operand 0.
int64_t checked_axis(const InferContext& context);
/// Refuses an operand that is not i32 or i64.
void check_indices(const InferContext& context, size_t operand);

/// `indices` moved into [0, extent), as reads see them. `extent` must have a size.
Value clamp_indices(Value indices, const Extent& extent);
/// Whether `indices` lie in [0, extent), as writes see them. `extent` must have a size.
Value in_range(Value indices, const Extent& extent);

}  // namespace brisk
