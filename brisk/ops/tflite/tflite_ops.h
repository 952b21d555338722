#pragma once

/// The ops in TFLite's arithmetic, and what they share.

#include "brisk/ir/op.h"
#include "brisk/ops/tflite/tflite.h"

namespace brisk {

Op tflite_quantize_op();
Op tflite_requantize_op();
Op tflite_convolution_op();
Op tflite_dot_op();
Op tflite_add_op();
Op tflite_multiply_op();
Op tflite_average_pool_op();
Op tflite_mean_op();
Op tflite_softmax_op();
Op tflite_logistic_op();
Op tflite_tanh_op();

void add_tflite_ops(OpSet& set);

/// Refuses operand `i` unless it is i8 or u8, or i16 where that is taken.
void require_stored(const InferContext& context, size_t i, bool takes_i16);
/// Refuses a scale that is not positive as f32, and a zero point that is no value of `type` (of i16
/// any but 0); `what` of the op they belong to.
void require_scale(const InferContext& context, std::string_view what, double scale);
void require_zero_point(const InferContext& context, std::string_view what, DType type,
                        int64_t zero_point);
void require_input(const InferContext& context, DType type,
                   const TfliteInputAttributes& attributes);
void require_output(const InferContext& context, DType type,
                    const TfliteOutputAttributes& attributes);

/// Refuses a factor from operands to the result that fixed point does not hold.
void require_factor(const InferContext& context, double factor);

/// x as i32 without its zero point.
Value centred(Value x, int64_t zero_point);
/// `y` (i32), integers of `attributes` with or without their zero point already added, clamped by
/// the activation, as `type`.
Value clamped(Value y, const TfliteOutputAttributes& attributes, DType type);
Value stored(Value y, const TfliteOutputAttributes& attributes, DType type);

}  // namespace brisk
