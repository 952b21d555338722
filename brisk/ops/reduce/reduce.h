#pragma once

/// Reductions over axes. Short floats accumulate in f32. An empty reduction gives the neutral
/// element. Names carry `reduce_` since `max` and `min` are taken everywhere.

#include "brisk/ir/builder.h"

namespace brisk {

struct ReduceAttributes {
  std::vector<int64_t> axes;  ///< ascending, normalised
  bool keep_dims = false;     ///< keep reduced axes with extent 1
  template <typename F>
  void fields(F&& f) { f("axes", axes); f("keep_dims", keep_dims); }
};
struct AxisAttributes {
  int64_t axis = -1;
  template <typename F>
  void fields(F&& f) { f("axis", axis); }
};

// Negative axes count from the end; no axes means all.
Value reduce_sum(Value x, std::vector<int64_t> axes = {}, bool keep_dims = false);
Value reduce_max(Value x, std::vector<int64_t> axes = {}, bool keep_dims = false);
Value reduce_min(Value x, std::vector<int64_t> axes = {}, bool keep_dims = false);
Value reduce_prod(Value x, std::vector<int64_t> axes = {}, bool keep_dims = false);
Value reduce_any(Value x, std::vector<int64_t> axes = {}, bool keep_dims = false);
Value reduce_all(Value x, std::vector<int64_t> axes = {}, bool keep_dims = false);
/// Decomposes into reduce_sum and a division once the extents are known.
Value reduce_mean(Value x, std::vector<int64_t> axes = {}, bool keep_dims = false);
/// Index (i32) of the first extreme along `axis`, which is removed; NaN counts as the extreme.
Value argmax(Value x, int64_t axis = -1);
Value argmin(Value x, int64_t axis = -1);
/// Inclusive running sum along `axis`.
Value cumulative_sum(Value x, int64_t axis);

}  // namespace brisk
