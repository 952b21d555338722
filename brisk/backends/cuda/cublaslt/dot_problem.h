#pragma once

/// A contraction in the terms of cuBLASLt, whose matrices are column-major: the row-major result
/// [m, n] is its [n, m], computed as right operand times left operand.

#include <string>

#include "brisk/backends/cuda/kernel.h"
#include "brisk/ops/fused/fused.h"

namespace brisk::cuda::cublaslt {

/// An operand as cuBLASLt sees it: column-major [rows, columns], to be transposed or not.
struct OperandView {
  int64_t rows = 0, columns = 0, stride = 0;
  bool transpose = false;
  int64_t batch_stride = 0;  ///< in elements, between neighbours of the inner batch
  int64_t outer_stride = 0;  ///< between products of the outer batch
};

struct DotProblem {
  int64_t m = 1, n = 1, k = 1;
  int64_t batch = 1;  ///< products of one call
  int64_t outer = 1;  ///< calls: batch axes that one stride can't walk
  OperandView lhs, rhs;
  DType type = DType::f32;         ///< of the operands
  DType result_type = DType::f32;  ///< theirs, or f32 where a short product is kept long
  bool tf32 = false;               ///< f32 operands may be rounded to TF32
  bool bias = false;
  Activation activation = Activation::none;

  double flops() const {
    return 2.0 * static_cast<double>(outer * batch) * static_cast<double>(m) *
           static_cast<double>(n) * static_cast<double>(k);
  }
  /// All of it: what tuning results are kept under.
  std::string text() const;
};

/// Of a node "dot_general", "fused_dot" or "gram_matrix"; fails with the reason why cuBLASLt can't
/// run it.
Result<DotProblem> dot_problem(const KernelRequest& request);

}  // namespace brisk::cuda::cublaslt
