#pragma once

/// A product's weights as integers, and what its sums are scaled with.

#include "brisk/base/tensor.h"

namespace brisk {

struct QuantizedWeights {
  Tensor filter;      ///< i8, symmetric in [-127, 127], a scale for each index of the last axis
  Tensor bias;        ///< f32 [channels], in units of the sums; undefined where none is stored
  Tensor multiplier;  ///< f32 [channels]: from sums to the result's units
  std::vector<double> scales;  ///< of the filter's channels
  double sqnr = 0;             ///< of the filter, in decibels
};

/// `filter` f32 [..., channels], `bias` f32 [channels] or nothing; `input_scale` of the integers
/// that the filter meets, `result_scale` of those that come out (1 for f32). Weights become the
/// nearest integers, or `integers` i8 of the filter's sizes in units of channel_scales, where that
/// is defined (channels whose scale a great bias decides become the nearest all the same).
QuantizedWeights quantize_weights(const Tensor& filter, const Tensor& bias, double input_scale,
                                  double result_scale, const Tensor& integers = {});

/// What the integers of each channel count in: the greatest magnitude by 127, an f32 number; 0
/// where all are zero.
std::vector<double> channel_scales(const Tensor& filter);

/// The same for TFLite's arithmetic: bias i32 (beside 16-bit activations i64), multiplier f64, of
/// scales that are f32 numbers.
QuantizedWeights quantize_tflite_weights(const Tensor& filter, const Tensor& bias,
                                         double input_scale, double result_scale,
                                         const Tensor& integers = {}, DType bias_type = DType::i32);

/// The transpose of a matrix f32 [n, k].
Tensor transposed(const Tensor& matrix);

}  // namespace brisk
