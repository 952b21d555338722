#pragma once

/// Integers of 4 bits, two to a byte: element 2i in the low half of byte i, element 2i + 1 in the
/// high one; the unused half of an odd count is 0. (ONNX's order, docs "TensorProto.INT4".)

#include <cstdint>

#include "brisk/base/tensor.h"

namespace brisk {

/// Element `index` of i4, in [-8, 7].
inline int8_t packed_element(const std::byte* bytes, int64_t index) {
  const auto byte = static_cast<uint8_t>(bytes[index / 2]);
  return static_cast<int8_t>(static_cast<int8_t>(index % 2 == 0 ? byte << 4 : byte & 0xF0) >> 4);
}
/// Writes the low 4 bits of `value`; the other element of the byte stays.
inline void set_packed_element(std::byte* bytes, int64_t index, int8_t value) {
  const int shift = index % 2 == 0 ? 0 : 4;
  bytes[index / 2] = (bytes[index / 2] & std::byte(0xF0 >> shift)) |
                     std::byte(static_cast<uint8_t>(value & 0xF) << shift);
}

/// i4 from i8 whose values lie in [-8, 7]; refused otherwise.
Tensor packed_i4(const Tensor& integers);
/// i8 from i4.
Tensor unpacked_i4(const Tensor& packed);

}  // namespace brisk
