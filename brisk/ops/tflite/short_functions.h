#pragma once

/// Functions of 16-bit integers in TFLite's arithmetic: tables with straight lines between their
/// entries.

#include "brisk/ops/tflite/tflite.h"

namespace brisk {

/// The multiplier that TFLite's logistic and tanh bring an operand to 1/12288 with, and the shift
/// to the right that follows.
struct ShortFunctionScale {
  int32_t multiplier = 0;
  int shift = 0;
};
/// Operands of tanh may count in 2^-11, too, and need no shift then. Of a scale below 8 / 3.
ShortFunctionScale short_function_scale(double input_scale, bool is_tanh);

/// Of x i16 without a zero point; the result counts in 1/32768.
Value short_logistic(Value x, double input_scale);
Value short_tanh(Value x, double input_scale);
/// Along the last axis; `units`: of 1, beta times the operand's scale, below 5.
Value short_softmax(Value x, double units);

}  // namespace brisk
