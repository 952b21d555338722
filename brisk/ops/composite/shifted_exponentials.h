#pragma once

/// What the softmax family shares: exponentials that cannot overflow.

#include "brisk/ir/builder.h"

namespace brisk {

struct ShiftedExponentials {
  Value shifted;  ///< x - its maximum over `axes`, in the compute type; x's shape
  Value exp;      ///< of `shifted`
  Value sum;      ///< of `exp` over `axes`, which stay with extent 1
};
/// No gradient flows through the maximum: it cancels from everything that is built of these.
ShiftedExponentials shifted_exponentials(Value x, std::vector<int64_t> axes);

}  // namespace brisk
