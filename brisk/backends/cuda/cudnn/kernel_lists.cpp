#include "brisk/backends/cuda/cudnn/kernel_lists.h"

namespace brisk::cuda {

std::vector<OpKernel> cudnn_kernels() {
  std::vector<OpKernel> kernels = cudnn::convolution_kernels();
  for (OpKernel& kernel : cudnn::batch_norm_kernels()) kernels.push_back(kernel);
  return kernels;
}

}  // namespace brisk::cuda
