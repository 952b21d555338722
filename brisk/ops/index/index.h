#pragma once

/// Reading and writing at positions given as data.

#include "brisk/ir/builder.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {

/// Slices of `x` along `axis` (AxisAttributes) at `indices` (i32 or i64, any shape): the result's
/// shape is x's with that axis replaced by the indices' shape. Out-of-range indices are clamped.
Value gather(Value x, Value indices, int64_t axis = 0);
/// The transpose of gather: x with `updates` added at `indices` along `axis`; duplicates add up in
/// order of appearance (deterministic); out-of-range indices are dropped.
Value scatter_add(Value x, Value indices, Value updates, int64_t axis = 0);
/// Along `axis`: result[..., i, ...] = x[..., indices[..., i, ...], ...]; ranks are equal, and so are
/// all other extents. Out-of-range indices are clamped.
Value take_along_axis(Value x, Value indices, int64_t axis);
/// The transpose of take_along_axis: `updates` (shaped like `indices`) added to x. Out-of-range
/// indices are dropped.
Value put_along_axis_add(Value x, Value indices, Value updates, int64_t axis);
struct OneHotAttributes {
  int64_t depth = 0;
  DType dtype = DType::f32;
  template <typename F>
  void fields(F&& f) { f("depth", depth); f("dtype", dtype); }
};
/// A new last axis of size `depth`: 1 at the index, else 0.
Value one_hot(Value indices, int64_t depth, DType dtype = DType::f32);

}  // namespace brisk
