#pragma once

/// The parts that cudnn_kernels() is made of.

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda::cudnn {

/// Convolution, its gradients, the fused form.
std::vector<OpKernel> convolution_kernels();
/// The ops of brisk/ops/fused/batch_norm_fusion.h.
std::vector<OpKernel> batch_norm_kernels();
/// Those whose filter is in cuDNN's order already.
std::vector<OpKernel> ordered_convolution_kernels();
/// Attention and its gradient.
std::vector<OpKernel> attention_kernels();

}  // namespace brisk::cuda::cudnn
