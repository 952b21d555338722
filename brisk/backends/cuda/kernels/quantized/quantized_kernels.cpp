#include "brisk/backends/cuda/kernels/quantized/quantized_kernels.h"

namespace brisk::cuda {
namespace {

std::optional<std::string> refuse_plain(const KernelRequest& request) {
  return refuse_quantized(request.node, request.operands);
}

}  // namespace

std::vector<OpKernel> quantized_kernels() {
  constexpr Kernel kProduct = {"nvrtc/integer_product", refuse_integer_product,
                               prepare_integer_product};
  constexpr Kernel kPlain = {"nvrtc/plain_quantized", refuse_plain, prepare_plain_quantized};
  return {{"quantized_convolution", kProduct},
          {"quantized_convolution", kPlain},
          {"quantized_dot", kProduct},
          {"quantized_dot", kPlain}};
}

}  // namespace brisk::cuda
