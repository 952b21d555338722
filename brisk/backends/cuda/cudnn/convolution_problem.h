#pragma once

/// A convolution in cuDNN's terms. brisk's filters [kernel..., channels / groups, filters] are one
/// matrix [kernel x channels, filters]; cuDNN's fast engines want its transpose, [filters,
/// kernel..., channels / groups].

#include <optional>

#include "brisk/backends/cuda/cudnn/operation_graph.h"
#include "brisk/backends/cuda/kernel.h"
#include "brisk/ops/convolve/convolve.h"

namespace brisk::cuda::cudnn {

struct ConvolutionProblem {
  TensorShape input, filter, result;  ///< the filter transposed, as cuDNN wants it
  ConvolutionGeometry geometry;
  DType type = DType::f32;
  int64_t filter_rows = 0;     ///< kernel x channels / groups
  int64_t filter_columns = 0;  ///< filters
  double flops = 0;            ///< a multiplication and an addition are two
};

/// Bytes of a dense tensor.
int64_t memory_bytes(const TensorShape& shape);

/// One spatial axis gets a second of extent 1. Fails with the reason why cuDNN can't run it.
Result<ConvolutionProblem> convolution_problem(const Type& input, const Type& filter,
                                               const Type& result,
                                               const ConvolutionAttributes& attributes);

/// A 1x1 convolution without strides multiplies the channels at each place by brisk's filter
/// [channels, filters]; seen from its result it is a convolution back to its input, whose filter in
/// cuDNN's order is that matrix as it lies. So the one's gradients and the other's products are the
/// same, and nothing needs to be transposed. Nothing where the convolution is another,
/// or of less than eight channels or filters, for which there are engines of their own.
std::optional<ConvolutionProblem> seen_from_result(const ConvolutionProblem& problem);

/// Of a node "convolution", "fused_convolution", "convolution_statistics", one of the two gradients
/// or "input_gradient_scale_shift".
Result<ConvolutionProblem> convolution_problem(const KernelRequest& request);

}  // namespace brisk::cuda::cudnn
