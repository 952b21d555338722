#pragma once

/// The grain of device memory.

#include <cstdint>

#include "brisk/base/rounding.h"

namespace brisk::cuda {

/// Sizes within an allocation of device memory are multiples of 256 bytes, as the driver's own
/// allocations begin at: every vector load is then aligned.
constexpr int64_t aligned(int64_t bytes) {
  return round_up(bytes, 256);
}

}  // namespace brisk::cuda
