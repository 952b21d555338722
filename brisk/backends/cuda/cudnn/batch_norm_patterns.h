#pragma once

/// The graphs that a convolution network's training step is made of when batch norm is fused into
/// the convolutions around it. Engines exist for f16 (compiled into cuDNN); for bf16 only where the
/// function says so. Channel vectors are [1, channels, 1...].

#include "brisk/backends/cuda/cudnn/convolution_problem.h"

namespace brisk::cuda::cudnn {

/// [1, channels, 1...] beside `image`.
TensorShape channel_vector(const TensorShape& image, DType type);

/// How a convolution's statistics are asked for: by cuDNN's own operation, which only engines of
/// f16 know, or as two reductions, which its run-time compiled engines take in bf16 too.
enum class StatisticsForm : uint8_t { operation, reductions };

/// In memory: x, w, y, sum, square_sum.
void convolution_statistics(GraphBuilder& graph, const ConvolutionProblem& problem,
                            StatisticsForm form);

/// y = convolution(relu(x scale + shift), w) and its statistics. In memory: x, scale, shift (both
/// of the problem's type), w, y, sum, square_sum.
void normalized_convolution_statistics(GraphBuilder& graph, const ConvolutionProblem& problem,
                                       StatisticsForm form);

/// dw = filter gradient at relu(x scale + shift). In memory: x, scale, shift, dy, dw.
void normalized_filter_gradient(GraphBuilder& graph, const ConvolutionProblem& problem);

/// What the gradient at a ReLU's operand is made of.
enum class JoinForm : uint8_t {
  none,        ///< relu(norm(x))
  shortcut,    ///< relu(norm(x) + residual), gradient = this convolution's + another
  projection,  ///< relu(norm(x) + norm2(x2)), likewise
};
/// dz = (input gradient [+ other gradient]) where the ReLU was open, recomputed from x; and what
/// batch norm's gradient needs of dz: scale and bias gradients and the coefficients of
/// d x = dy_scale dz + x_scale x + bias. In memory: dy, w, [other], x, mean, inverse_deviation,
/// scale, bias, [residual | x2, mean2, inverse_deviation2, scale2, bias2], dz, scale_gradient,
/// bias_gradient, dy_scale, x_scale, bias, [the five of norm2].
void input_gradient_batch_norm(GraphBuilder& graph, const ConvolutionProblem& problem,
                               JoinForm form);

/// relu(convolution(x, w) + bias [+ residual]). In memory: x, w, bias, [residual], y.
void convolution_bias_relu(GraphBuilder& graph, const ConvolutionProblem& problem, bool residual);

}  // namespace brisk::cuda::cudnn
