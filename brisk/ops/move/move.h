#pragma once

/// Ops that rearrange elements.

#include "brisk/ir/builder.h"

namespace brisk {

/// Operand axis i becomes result axis axes[i]; its extent is 1 or the result's.
struct BroadcastAttributes {
  Shape shape;
  std::vector<int64_t> axes;
  template <typename F>
  void fields(F&& f) { f("shape", shape); f("axes", axes); }
};
struct ShapeAttributes {
  Shape shape;
  template <typename F>
  void fields(F&& f) { f("shape", shape); }
};
struct TransposeAttributes {
  std::vector<int64_t> permutation;  ///< result axis i is operand axis permutation[i]
  template <typename F>
  void fields(F&& f) { f("permutation", permutation); }
};
/// Per axis start, limit (exclusive) and step >= 1. An axis with a named extent must be taken
/// whole: start 0, limit -1 (meaning its end), step 1.
struct SliceAttributes {
  std::vector<int64_t> starts, limits, steps;
  template <typename F>
  void fields(F&& f) { f("starts", starts); f("limits", limits); f("steps", steps); }
};
/// Per axis elements added before, after and between; negative edges crop.
struct PadAttributes {
  std::vector<int64_t> low, high, interior;
  template <typename F>
  void fields(F&& f) { f("low", low); f("high", high); f("interior", interior); }
};
struct AxesAttributes {
  std::vector<int64_t> axes;
  template <typename F>
  void fields(F&& f) { f("axes", axes); }
};
/// dynamic_slice: sizes of the window.
struct DynamicSliceAttributes {
  std::vector<int64_t> sizes;
  template <typename F>
  void fields(F&& f) { f("sizes", sizes); }
};

Value broadcast(Value x, Shape shape, std::vector<int64_t> axes);
/// NumPy's rule: axes aligned at the end. x itself when it has the shape.
Value broadcast_to(Value x, const Shape& shape);
/// Row-major order kept; one extent of `shape` may be -1 (as Extent(-1)): the rest. A named extent
/// must appear on both sides.
Value reshape(Value x, Shape shape);
Value transpose(Value x, std::vector<int64_t> permutation);
Value slice(Value x, std::vector<int64_t> starts, std::vector<int64_t> limits,
            std::vector<int64_t> steps = {});
/// Along one axis only.
Value slice_axis(Value x, int64_t axis, int64_t start, int64_t limit);
/// `value` (rank 0, x's type) fills the new places.
Value pad(Value x, Value value, std::vector<int64_t> low, std::vector<int64_t> high,
          std::vector<int64_t> interior = {});
Value concatenate(std::span<const Value> parts, int64_t axis);
Value reverse(Value x, std::vector<int64_t> axes);
/// The window of `sizes` at `starts` (one rank-0 i32 per axis, clamped into range).
Value dynamic_slice(Value x, std::span<const Value> starts, std::vector<int64_t> sizes);
/// x with the window at `starts` replaced by `update`.
Value dynamic_update_slice(Value x, Value update, std::span<const Value> starts);
Value expand_dims(Value x, int64_t axis);
Value squeeze(Value x, int64_t axis);

}  // namespace brisk
