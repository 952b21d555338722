#include "brisk/backends/cpu/kernels/kernels.h"

#include "brisk/backends/cpu/kernels/direct/direct_convolution.h"
#include "brisk/backends/cpu/kernels/pool/pool.h"
#include "brisk/backends/cpu/kernels/winograd/winograd.h"

namespace brisk::cpu {

std::vector<OpKernel> own_kernels() {
  constexpr Kernel kWinograd{"winograd", refuse_winograd, prepare_winograd};
  constexpr Kernel kDirect{"direct", refuse_direct, prepare_direct};
  constexpr Kernel kPool{"pool", refuse_pool, prepare_pool};
  return {
      {"convolution", kWinograd},
      {"convolution", kDirect},
      {"fused_convolution", kWinograd},
      {"fused_convolution", kDirect},
      {"convolution_input_gradient", kWinograd},
      {"convolution_filter_gradient", kWinograd},
      {"convolution_filter_gradient", kDirect},
      {"max_pool", kPool},
      {"max_pool_gradient", kPool},
      {"max_pool_select", kPool},
      {"average_pool", kPool},
      {"average_pool_gradient", kPool},
  };
}

}  // namespace brisk::cpu
