#include "brisk/backends/cuda/cudnn/kernel_lists.h"

namespace brisk::cuda {

std::vector<OpKernel> cudnn_kernels() {
  std::vector<OpKernel> kernels = cudnn::convolution_kernels();
  for (const auto& list : {cudnn::batch_norm_kernels(), cudnn::ordered_convolution_kernels(),
                           cudnn::attention_kernels()})
    kernels.insert(kernels.end(), list.begin(), list.end());
  return kernels;
}

}  // namespace brisk::cuda
