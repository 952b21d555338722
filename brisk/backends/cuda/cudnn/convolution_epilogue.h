#pragma once

/// y = activation(y + bias + residual) in place, over channels-last memory: what a convolution's
/// engine leaves undone where cuDNN has no fused engine for it (strict f32).

#include "brisk/backends/cuda/kernel.h"
#include "brisk/ops/fused/fused.h"

namespace brisk::cuda::cudnn {

class ConvolutionEpilogue {
 public:
  ConvolutionEpilogue(CodeLibrary& code, DType type, const FusedConvolutionAttributes& attributes);
  void load(const CodeLibrary& code);
  /// Addresses of what the attributes leave out are 0.
  void enqueue(DeviceAddress y, DeviceAddress bias, DeviceAddress residual, int64_t elements,
               int64_t channels, StreamHandle stream) const;

 private:
  size_t number_ = 0;
  FunctionHandle function_ = nullptr;
};

}  // namespace brisk::cuda::cudnn
