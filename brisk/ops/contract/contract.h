#pragma once

/// General matrix multiplication.

#include "brisk/ir/builder.h"

namespace brisk {

/// Result axes: batch axes (in the order given), then the free axes of the left, then of the right
/// operand. Short floats accumulate in f32. `dtype` of the result: the operands'.
struct DotAttributes {
  std::vector<int64_t> lhs_contract, rhs_contract, lhs_batch, rhs_batch;
  template <typename F>
  void fields(F&& f) {
    f("lhs_contract", lhs_contract);
    f("rhs_contract", rhs_contract);
    f("lhs_batch", lhs_batch);
    f("rhs_batch", rhs_batch);
  }
};

Value dot_general(Value lhs, Value rhs, DotAttributes attributes);
/// NumPy's matmul: last axis of a with the last but one of b; leading axes are batch (equal). A b
/// of rank 2 serves all leading axes of a.
Value matmul(Value a, Value b);

}  // namespace brisk
