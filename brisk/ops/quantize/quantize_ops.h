#pragma once

/// The ops of quantized arithmetic, and what its products share.

#include "brisk/ir/op.h"
#include "brisk/ops/quantize/quantize.h"

namespace brisk {

void add_linear_quantization_ops(OpSet& set);  ///< quantize, dequantize
Op quantized_convolution_op();
Op quantized_dot_op();
Op weight_only_dot_op();
Op fake_quantize_op();
Op moving_magnitude_op();

void add_quantize_ops(OpSet& set);

/// Lowest and highest value of an integer type.
struct IntegerLimits {
  double low, high;
};
IntegerLimits integer_limits(DType type);
/// `rounded`, whole numbers, plus the zero point of the context's QuantizeAttributes, saturated and
/// as its integers; NaN gives the lowest.
Expr saturated(const ExprContext& context, const Expr& rounded);

/// The result of a quantized product whose sums have the shape `shape`; refuses operands that do
/// not fit: `lhs` i8 or u8, `rhs` i8, one multiplier and bias an index of the last axis.
Type quantized_result(const InferContext& context, const Shape& shape,
                      const RequantizeAttributes& attributes);

/// `sum` (i32) with its operands (from the bias on) as RequantizeAttributes says.
Value requantized(Value sum, std::span<const Value> epilogue,
                  const RequantizeAttributes& attributes);

}  // namespace brisk
