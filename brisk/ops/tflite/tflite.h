#pragma once

/// Integers in TFLite's arithmetic, to the last bit of its reference kernels: activations with a
/// scale and a zero point for the tensor, real = scale * (stored - zero_point); weights i8 around
/// zero with a scale for each channel; factors of scales in fixed point (fixed_point.h), which
/// round twice, where nothing else is said. Scales are f32 numbers. ONNX's arithmetic is
/// brisk/ops/quantize/quantize.h.

#include "brisk/ir/builder.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/quantize/quantize.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/window/window.h"

namespace brisk {

/// What the integers of an operand count in.
struct TfliteInputAttributes {
  double input_scale = 1;
  int64_t input_zero_point = 0;
  template <typename F>
  void fields(F&& f) {
    f("input_scale", input_scale);
    f("input_zero_point", input_zero_point);
  }
};

/// What the result's count in. An activation clamps them: relu at the zero point, relu6 also at the
/// integer nearest to 6.
struct TfliteOutputAttributes {
  double output_scale = 1;
  int64_t output_zero_point = 0;
  Activation activation = Activation::none;
  template <typename F>
  void fields(F&& f) {
    f("output_scale", output_scale);
    f("output_zero_point", output_zero_point);
    f("activation", activation);
  }
};

/// saturate(round(x / scale) + zero_point) of f32, as i8, u8 or i16, halfway cases away from zero;
/// NaN gives the lowest value. (Back to floats: `dequantize`, which is TFLite's to the bit.)
Value tflite_quantize(Value x, const QuantizeAttributes& attributes);

struct TfliteRequantizeAttributes {
  TfliteInputAttributes input;
  TfliteOutputAttributes output;
  DType dtype = DType::i8;  ///< of the result
  template <typename F>
  void fields(F&& f) {
    input.fields(f);
    output.fields(f);
    f("dtype", dtype);
  }
};
/// i8, u8 or i16 in another scale or type: TFLite's QUANTIZE of integers, and with an activation
/// its RELU and RELU6.
Value tflite_requantize(Value x, const TfliteRequantizeAttributes& attributes);

/// Products of 16-bit activations in a sum, of which each half fits 32 bits.
inline constexpr int64_t kTfliteMostTerms = 131072;

struct TfliteConvolutionAttributes {
  ConvolutionAttributes convolution;
  int64_t input_zero_point = 0;
  TfliteOutputAttributes output;
  template <typename F>
  void fields(F&& f) {
    convolution.fields(f);
    f("input_zero_point", input_zero_point);
    output.fields(f);
  }
};
/// Operands: input i8 or i16 [batch, spatial..., channels], filter i8 [kernel..., channels /
/// groups, filters], bias i32 (beside i16: i64) [filters] in units of the sums, factor f64
/// [filters]: input scale * filter's scale / output scale, below 2^31 (beside i16: 2^7). Padding
/// counts as real zeros. Depthwise: groups = channels. The result is of the input's type; i16 has
/// no zero point, and at most kTfliteMostTerms products make a sum.
Value tflite_convolution(std::span<const Value> operands,
                         const TfliteConvolutionAttributes& attributes);

struct TfliteDotAttributes {
  int64_t input_zero_point = 0;
  TfliteOutputAttributes output;
  template <typename F>
  void fields(F&& f) {
    f("input_zero_point", input_zero_point);
    output.fields(f);
  }
};
/// TFLite's FULLY_CONNECTED, whose reference kernel scales in f64 and rounds once, halfway cases
/// away from zero. Operands: lhs i8 or i16 [..., m, k], rhs i8 [k, n], bias i32 or i64 [n], factor
/// f64 [n], as of tflite_convolution.
Value tflite_dot(std::span<const Value> operands, const TfliteDotAttributes& attributes);

struct TfliteBinaryAttributes {
  double lhs_scale = 1;
  int64_t lhs_zero_point = 0;
  double rhs_scale = 1;
  int64_t rhs_zero_point = 0;
  TfliteOutputAttributes output;
  template <typename F>
  void fields(F&& f) {
    f("lhs_scale", lhs_scale);
    f("lhs_zero_point", lhs_zero_point);
    f("rhs_scale", rhs_scale);
    f("rhs_zero_point", rhs_zero_point);
    output.fields(f);
  }
};
/// Of two operands of one type, i8, u8 or i16, broadcast by NumPy's rule. Sums are taken in units
/// of twice the greater scale, 20 bits finer (of i16: 15), and what the result counts in must not
/// be finer than these units.
Value tflite_add(Value lhs, Value rhs, const TfliteBinaryAttributes& attributes);
Value tflite_multiply(Value lhs, Value rhs, const TfliteBinaryAttributes& attributes);

struct TfliteAveragePoolAttributes {
  WindowAttributes window;
  TfliteOutputAttributes output;
  template <typename F>
  void fields(F&& f) {
    window.fields(f);
    output.fields(f);
  }
};
/// The mean of the places of each window that are inside the input, i8, u8 or i16; halfway cases
/// away from stored 0. The result counts in what the operand counts in. (Maxima: `max_pool`.)
Value tflite_average_pool(Value x, const TfliteAveragePoolAttributes& attributes);

struct TfliteMeanAttributes {
  ReduceAttributes reduce;
  TfliteInputAttributes input;
  TfliteOutputAttributes output;
  template <typename F>
  void fields(F&& f) {
    reduce.fields(f);
    input.fields(f);
    output.fields(f);
  }
};
/// The mean over axes, of i8, u8 or i16; sums are i32.
Value tflite_mean(Value x, const TfliteMeanAttributes& attributes);

struct TfliteSoftmaxAttributes {
  double input_scale = 1;
  double beta = 1;  ///< what the operand is multiplied with
  template <typename F>
  void fields(F&& f) {
    f("input_scale", input_scale);
    f("beta", beta);
  }
};
/// Along the last axis, of i8 or u8 and up to 4095 places: the result counts in 1/256 from the
/// lowest value on; or of i16 and up to 65535 places: it counts in 1/32768.
Value tflite_softmax(Value x, const TfliteSoftmaxAttributes& attributes);

/// Of i8 or u8: the result counts in 1/256 from the lowest value on; or of i16: in 1/32768.
Value tflite_logistic(Value x, const TfliteInputAttributes& attributes);
/// Of i8 or u8: the result counts in 1/128 around the middle, 0 or 128; or of i16: in 1/32768.
Value tflite_tanh(Value x, const TfliteInputAttributes& attributes);

}  // namespace brisk
