#include "brisk/backends/cuda/constant_pool.h"

#include <cstring>

namespace brisk::cuda {

size_t ConstantPool::add(const Tensor& value) {
  for (size_t i = 0; i < values_.size(); ++i)
    if (values_[i].num_bytes() == value.num_bytes() &&
        std::memcmp(values_[i].bytes(), value.bytes(), static_cast<size_t>(value.num_bytes())) == 0)
      return i;
  values_.push_back(value);
  offsets_.push_back(bytes_);
  bytes_ += (value.num_bytes() + 255) / 256 * 256;
  return values_.size() - 1;
}

void ConstantPool::place(DeviceAddress base, Stream& stream) {
  base_ = base;
  for (size_t i = 0; i < values_.size(); ++i)
    stream.copy_to_device(address(i), values_[i].bytes(), values_[i].num_bytes());
  stream.synchronize();
}

}  // namespace brisk::cuda
