#pragma once

/// What a value takes of memory.

#include "brisk/ir/type.h"

namespace brisk {

/// Bytes of the elements of a value whose dimensions are bound, without padding.
inline int64_t type_bytes(const Type& type) {
  return byte_size(type.dtype(), type.shape().num_elements());
}

}  // namespace brisk
