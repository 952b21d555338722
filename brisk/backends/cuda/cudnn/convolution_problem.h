#pragma once

/// A convolution in cuDNN's terms. brisk's filters [kernel..., channels / groups, filters] are one
/// matrix [kernel x channels, filters]; cuDNN's fast engines want its transpose, [filters,
/// kernel..., channels / groups].

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

/// Of a node "convolution", "fused_convolution", "convolution_statistics", one of the two gradients
/// or "input_gradient_scale_shift".
Result<ConvolutionProblem> convolution_problem(const KernelRequest& request);

}  // namespace brisk::cuda::cudnn
