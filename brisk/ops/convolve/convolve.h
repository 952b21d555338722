#pragma once

/// Convolution in channels-last layout, any number of spatial axes:
///   input  [batch, spatial..., channels]
///   filter [kernel..., channels / groups, filters]
///   result [batch, spatial'..., filters]
/// with spatial' = (spatial + low + high - (kernel - 1) * dilation - 1) / stride + 1 (floor).
/// Output channel f belongs to group f / (filters / groups). (Cross-correlation, as in every
/// framework.) Depthwise: groups = channels. The two gradients are ops too, and the three are
/// closed under differentiation. Transposed convolution is convolution_input_gradient.

#include "brisk/ir/builder.h"

namespace brisk {

struct ConvolutionAttributes {
  std::vector<int64_t> strides;  ///< per spatial axis, >= 1
  std::vector<int64_t> pad_low;  ///< per spatial axis; negative crops
  std::vector<int64_t> pad_high;
  std::vector<int64_t> dilations;  ///< of the filter, per spatial axis, >= 1
  int64_t groups = 1;
  template <typename F>
  void fields(F&& f) {
    f("strides", strides);
    f("pad_low", pad_low);
    f("pad_high", pad_high);
    f("dilations", dilations);
    f("groups", groups);
  }
};

/// Attributes of the gradients: the convolution's own, and the shape of what is returned.
struct ConvolutionGradientAttributes {
  ConvolutionAttributes convolution;
  Shape shape;  ///< of the input, or of the filter
  template <typename F>
  void fields(F&& f) {
    convolution.fields(f);
    f("shape", shape);
  }
};

Value convolution(Value input, Value filter, ConvolutionAttributes attributes);
/// d loss / d input, shape `input_shape`, from d loss / d result.
Value convolution_input_gradient(Value result_gradient, Value filter, Shape input_shape,
                                 ConvolutionAttributes attributes);
/// d loss / d filter, shape `filter_shape`.
Value convolution_filter_gradient(Value input, Value result_gradient, Shape filter_shape,
                                  ConvolutionAttributes attributes);

/// Keras's padding="same": total = max((ceil(in / s) - 1) s + (k - 1) d + 1 - in, 0), the odd one
/// at the end. Per spatial axis (low, high).
void same_padding(std::span<const int64_t> spatial, std::span<const int64_t> kernel,
                  ConvolutionAttributes& attributes);

}  // namespace brisk
