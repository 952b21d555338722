#pragma once

/// The reduce kind: ops that fold axes. The op names its combiner and neutral element; shapes come
/// from here.

#include <string>
#include <string_view>

#include "brisk/ir/builder.h"
#include "brisk/ir/op.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {

/// A reduction of `types` to the same element type, without a combiner yet.
Op reduction(std::string name, ElementTypes types);

/// The shape that `attributes` leave of `shape`.
Shape reduced_shape(const Shape& shape, const ReduceAttributes& attributes);

/// The inverse of a reduction's shape rule: `reduced` repeated over the reduced axes to `shape`.
Value spread(Value reduced, const Shape& shape, const ReduceAttributes& attributes);

/// Emits a reduction after normalising the axes (negative ones count from the end, none means all).
Value emit_reduction(std::string_view op, Value x, std::vector<int64_t> axes, bool keep_dims);

}  // namespace brisk
