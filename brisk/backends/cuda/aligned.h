#pragma once

/// What values take of device memory, and its grain.

#include "brisk/base/rounding.h"
#include "brisk/ir/type.h"

namespace brisk::cuda {

/// Sizes within an allocation of device memory are multiples of 256 bytes, as the driver's own
/// allocations begin at: every vector load is then aligned.
constexpr int64_t aligned(int64_t bytes) {
  return round_up(bytes, 256);
}

/// Of a value whose dimensions are bound.
inline int64_t type_bytes(const Type& type) {
  return byte_size(type.dtype(), type.shape().num_elements());
}

}  // namespace brisk::cuda
