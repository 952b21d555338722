#include "brisk/base/packed_integers.h"

namespace brisk {

Tensor packed_i4(const Tensor& integers) {
  Tensor packed = Tensor::zeros(DType::i4, integers.sizes());
  const auto values = integers.data<int8_t>();
  for (int64_t i = 0; i < integers.num_elements(); ++i) {
    const int8_t value = values[static_cast<size_t>(i)];
    require(value >= -8 && value <= 7, "{} is no integer of 4 bits, which are -8 to 7", value);
    set_packed_element(packed.bytes(), i, value);
  }
  return packed;
}

Tensor unpacked_i4(const Tensor& packed) {
  invariant(packed.dtype() == DType::i4, "{} is not packed", packed.describe());
  Tensor integers(DType::i8, packed.sizes());
  const auto values = integers.data<int8_t>();
  for (int64_t i = 0; i < packed.num_elements(); ++i)
    values[static_cast<size_t>(i)] = packed_element(packed.bytes(), i);
  return integers;
}

}  // namespace brisk
