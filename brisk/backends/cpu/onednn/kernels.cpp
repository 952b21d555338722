#include "brisk/backends/cpu/onednn/kernels.h"

#include "brisk/backends/cpu/onednn/convolution.h"
#include "brisk/backends/cpu/onednn/dot.h"
#include "brisk/backends/cpu/onednn/quantized_products.h"

namespace brisk::cpu {

std::vector<OpKernel> onednn_kernels() {
  std::vector<OpKernel> result = convolution_kernels();
  for (const OpKernel& kernel : dot_kernels()) result.push_back(kernel);
  for (const OpKernel& kernel : quantized_kernels()) result.push_back(kernel);
  return result;
}

}  // namespace brisk::cpu
