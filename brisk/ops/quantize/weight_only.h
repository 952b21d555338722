#pragma once

/// Products of floats with weights in integers of 8 or 4 bits: weight-only quantization.

#include "brisk/ir/builder.h"

namespace brisk {

struct WeightOnlyAttributes {
  /// Rows of the weights that share a column's scale, the last ones perhaps fewer; 0: all.
  int64_t block_size = 0;
  template <typename F>
  void fields(F&& f) {
    f("block_size", block_size);
  }
};

/// lhs x weights in f32 [..., m, n] of lhs f32 or bf16 [..., m, k] and rhs i8 or i4 [k, n], which
/// stand for weights rhs[i, j] * scale[j], or rhs[i, j] * scale[i / block_size, j]. The scale is
/// f32 or bf16, [n] or [ceil(k / block_size), n], of any sign. Products and sums are f32; what is
/// rounded of the activations is rounded before, by a cast of lhs to bf16.
Value weight_only_dot(Value lhs, Value rhs, Value scale, WeightOnlyAttributes attributes = {});

}  // namespace brisk
