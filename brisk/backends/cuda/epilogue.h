#pragma once

/// y = activation(y + bias + residual) in place, rows of `columns` elements: what a library's
/// product or convolution leaves undone where it has no engine with the whole epilogue (strict f32
/// convolutions, f64 products, relu6). f64, f32, and f16 and bf16 computed in f32.

#include <string>
#include <string_view>

#include "brisk/backends/cuda/kernel.h"
#include "brisk/ops/fused/fused.h"

namespace brisk::cuda {

/// Device code that applies the activation to a variable; a NaN stays one.
std::string activation_code(Activation activation, std::string_view variable);

struct EpilogueParts {
  bool bias = false;
  bool residual = false;
  Activation activation = Activation::none;
};

class Epilogue {
 public:
  Epilogue(CodeLibrary& code, DType type, const EpilogueParts& parts);
  void load(const CodeLibrary& code);
  /// `bias`: [columns]. Addresses of what the parts leave out are 0.
  void enqueue(DeviceAddress y, DeviceAddress bias, DeviceAddress residual, int64_t elements,
               int64_t columns, StreamHandle stream) const;

 private:
  size_t number_ = 0;
  DeviceFunction function_;
};

}  // namespace brisk::cuda
