#include "brisk/backends/cpu/kernels/kernels.h"

#include "brisk/backends/cpu/kernels/winograd/winograd.h"

namespace brisk::cpu {

std::vector<OpKernel> own_kernels() {
  constexpr Kernel kWinograd{"winograd", refuse_winograd, prepare_winograd};
  return {
      {"convolution", kWinograd},
      {"fused_convolution", kWinograd},
      {"convolution_input_gradient", kWinograd},
      {"convolution_filter_gradient", kWinograd},
  };
}

}  // namespace brisk::cpu
