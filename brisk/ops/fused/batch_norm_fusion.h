#pragma once

/// What a convolution network's training step is made of when batch norm is taken apart and its
/// parts are joined to their neighbours: sums over the batch leave the convolution that makes them,
/// normalisation is one multiplication and addition per element beside the activation, and its
/// gradient gives the sums that the next gradient needs. All are ordinary composites: a backend
/// with kernels for them takes them whole, every other one takes their decomposition.

#include <optional>

#include "brisk/ir/builder.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/window/window.h"

namespace brisk {

struct ConvolutionStatistics {
  Value y;           ///< the convolution
  Value sum;         ///< of y over all axes but channels: [filters], f32 for short floats
  Value square_sum;  ///< of y * y
};
ConvolutionStatistics convolution_statistics(Value input, Value filter,
                                             ConvolutionAttributes attributes);

struct ScaleShiftAttributes {
  bool residual = false;  ///< operand 3: of x's type, added before the activation
  Activation activation = Activation::none;
  template <typename F>
  void fields(F&& f) {
    f("residual", residual);
    f("activation", activation);
  }
};
/// activation(x * scale + shift [+ residual]); scale and shift [channels] (the last axis), f32 for
/// short floats.
Value scale_shift(Value x, Value scale, Value shift, Activation activation = Activation::none);
Value scale_shift_residual(Value x, Value scale, Value shift, Value residual,
                           Activation activation);

struct ScaleShiftMaxPoolAttributes {
  WindowAttributes window;
  bool sources = false;  ///< a third result: x at the positions, before scale and shift
  template <typename F>
  void fields(F&& f) {
    window.fields(f);
    f("sources", sources);
  }
};
struct ScaleShiftMaxPool {
  Value values, positions;  ///< as of max_pool
  Value sources;            ///< max_pool_select(x, positions), where asked for
};
/// max_pool(scale_shift(x, scale, shift, relu)).
ScaleShiftMaxPool scale_shift_max_pool(Value x, Value scale, Value shift,
                                       ScaleShiftMaxPoolAttributes attributes);

/// What the gradients of batch norm's sums add to the gradient of its image, channel by channel:
/// x * slope + offset, both [channels], f32 for short floats.
struct ChannelLine {
  Value slope, offset;
};
/// The gradient of x behind scale_shift_max_pool and behind the statistics that scale and shift are
/// made of: dz * scale + x * line.slope + line.offset, of x's type, where dz is max_pool_gradient
/// where x * scale + shift is positive, else 0. `attributes.shape` is that of x.
Value scale_shift_max_pool_gradient(Value gradient, Value positions, Value x, Value scale,
                                    Value shift, const ChannelLine& line,
                                    WindowGradientAttributes attributes);

struct ScaleShiftGradient {
  Value dz;     ///< gradient before the activation, of the gradient's type
  Value sum_x;  ///< of dz * x over all axes but channels: the gradient of scale
  Value sum;    ///< of dz: the gradient of shift
};
/// The gradient at scale_shift(x, scale, shift, relu), whose sign is computed again from x.
ScaleShiftGradient scale_shift_relu_gradient(Value gradient, Value x, Value scale, Value shift);
/// The same where there was a residual: the sign is that of `result`.
ScaleShiftGradient scale_shift_result_gradient(Value gradient, Value x, Value result);

/// scale_shift_relu_gradient of a convolution's input gradient, which never reaches memory. `x` has
/// the type of the convolution's input, `attributes.shape` its shape.
ScaleShiftGradient input_gradient_scale_shift(Value result_gradient, Value filter, Value x,
                                              Value scale, Value shift,
                                              ConvolutionGradientAttributes attributes);

struct GradientJoin {
  Value dz;          ///< of the gradients' type
  Value sum;         ///< of dz over all axes but channels: [channels], f32 for short floats
  Value sum_factor;  ///< of dz * factor, where there is one
};
/// Where two gradients meet behind a ReLU: (a convolution's input gradient + skip) where the ReLU's
/// result is positive, else 0. `skip`, `result` and `factor` have the type of the convolution's
/// input; a skip whose spatial extents divide its own lies at every so many-th place, with zeros
/// between.
GradientJoin input_gradient_join(Value result_gradient, Value filter, Value skip, Value result,
                                 ConvolutionGradientAttributes attributes,
                                 std::optional<Value> factor = std::nullopt);

struct PointwiseJoinAttributes {
  Activation activation = Activation::none;
  template <typename F>
  void fields(F&& f) {
    f("activation", activation);
  }
};
/// A skip that is still to be normalised: [..., filters] with scale and shift [filters].
struct ScaledSkip {
  Value skip, scale, shift;
};
/// activation(x matrix^T + bias + skip * scale + shift): a 1x1 convolution of x [..., channels] by
/// matrix [filters, channels]. Vectors are [filters], f32 for short floats.
Value pointwise_join(Value x, Value matrix, Value bias, const ScaledSkip& skip,
                     Activation activation);

/// What the gradients of an input's moments add to the input's gradient.
struct MomentsGradient {
  Value input;   ///< [..., channels]
  Value matrix;  ///< [channels, channels], of input's type: input times its transpose is added
  Value offset;  ///< [channels], f32 for short floats: added
};
/// scale_shift_relu_gradient of a convolution's input gradient with the moments' added to it, none
/// of which reaches memory.
ScaleShiftGradient moments_gradient_scale_shift(Value result_gradient, Value filter,
                                                const MomentsGradient& moments, Value x,
                                                Value scale, Value shift,
                                                ConvolutionGradientAttributes attributes);

/// x + shift; shift [channels], f32 for short floats. Its gradient is a sum over the batch that is
/// kept in f32: in f16 it could overflow, and batch norm's gradient subtracts two such sums.
Value channel_shift(Value x, Value shift);

/// Products of channels summed over all other axes, x^T x: [channels, channels], f32 for short
/// floats.
Value gram_matrix(Value x);

}  // namespace brisk
