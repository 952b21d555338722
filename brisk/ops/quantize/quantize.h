#pragma once

/// Integers that stand for real numbers: real = scale * (stored - zero_point), in ONNX's
/// arithmetic: floats round half to even, results saturate. 8-bit products are exact, their sums
/// are i32; a product's epilogue is f32 and rounds once to the result.

#include "brisk/ir/builder.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"

namespace brisk {

/// One scale and zero point for a whole tensor.
struct QuantizeAttributes {
  double scale = 1;
  int64_t zero_point = 0;
  DType dtype = DType::i8;  ///< of the integers
  template <typename F>
  void fields(F&& f) {
    f("scale", scale);
    f("zero_point", zero_point);
    f("dtype", dtype);
  }
};

/// saturate(round(x / scale) + zero_point) of f32 or f64, as i8, u8, i16 or u16; NaN gives the
/// lowest value. No gradient flows.
Value quantize(Value x, const QuantizeAttributes& attributes);

struct DequantizeAttributes {
  double scale = 1;
  int64_t zero_point = 0;
  template <typename F>
  void fields(F&& f) {
    f("scale", scale);
    f("zero_point", zero_point);
  }
};

/// (x - zero_point) * scale in f32 of i8, u8, i16, u16 or i32.
Value dequantize(Value x, const DequantizeAttributes& attributes);

/// What a quantized product makes of its i32 sums, one multiplier and bias a channel:
///   y = activation((sum + bias) * multiplier + residual_scale * residual)
/// and for an integer `dtype` the result is saturate(round(y)). With a `product_scale`, the product
/// becomes integers of its own before the residual joins, as it does where an addition is a node of
/// its own (ONNX's QLinearConv and QLinearAdd):
///   y = activation(product_scale * clamp(round((sum + bias) * multiplier)) + residual_scale * ...)
/// No operand has a zero point.
struct RequantizeAttributes {
  Activation activation = Activation::none;
  double limit = 6;       ///< of relu6, in units of y
  bool residual = false;  ///< the last operand, i8 or u8, shaped like the result
  double residual_scale = 1;
  double product_scale = 0;  ///< a step of the product in units of y; 0: it is not rounded
  int64_t product_low = -128, product_high = 127;  ///< the product's ends, in its steps
  DType dtype = DType::f32;                        ///< of the result: f32, i8 or u8
  /// The real number that an integer result counts in, for who reads them elsewhere; the arithmetic
  /// does not ask. 0: not known.
  double scale = 0;
  template <typename F>
  void fields(F&& f) {
    f("activation", activation);
    f("limit", limit);
    f("residual", residual);
    f("residual_scale", residual_scale);
    f("product_scale", product_scale);
    f("product_low", product_low);
    f("product_high", product_high);
    f("dtype", dtype);
    f("scale", scale);
  }
};

/// From sums to a result's units, rounded in ONNX's order: f32(f32(input_scale * filter_scale) /
/// result_scale) of scales that are f32 numbers.
float product_multiplier(double input_scale, double filter_scale, double result_scale);

struct QuantizedConvolutionAttributes {
  ConvolutionAttributes convolution;
  RequantizeAttributes requantize;
  template <typename F>
  void fields(F&& f) {
    convolution.fields(f);
    requantize.fields(f);
  }
};

/// Operands: input i8 or u8 [batch, spatial..., channels], filter i8 [kernel..., channels / groups,
/// filters], bias f32 [filters] (in units of the sums), multiplier f32 [filters], and the residual.
Value quantized_convolution(std::span<const Value> operands,
                            QuantizedConvolutionAttributes attributes);

/// Operands: lhs i8 or u8 [..., m, k], rhs i8 [k, n], bias f32 [n], multiplier f32 [n], and the
/// residual.
Value quantized_dot(std::span<const Value> operands, RequantizeAttributes attributes);

}  // namespace brisk
