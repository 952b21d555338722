#pragma once

/// Between brisk's filters [rows = kernel x channels, columns = filters] and cuDNN's, their
/// transpose: a matrix transposition of 16 or 32 bit elements through shared memory.

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda::cudnn {

class FilterTranspose {
 public:
  FilterTranspose(CodeLibrary& code, int64_t element_bytes);
  void load(const CodeLibrary& code);
  /// `from` is [rows, columns], `to` [columns, rows].
  void enqueue(DeviceAddress from, DeviceAddress to, int64_t rows, int64_t columns,
               StreamHandle stream) const;

 private:
  size_t number_ = 0;
  DeviceFunction function_;
};

}  // namespace brisk::cuda::cudnn
