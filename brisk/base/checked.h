#pragma once

/// Sums and products of sizes that a caller gave: refused where they leave 64 bits.

#include <cstdint>
#include <string_view>

#include "brisk/base/error.h"

namespace brisk {

/// a + b; refused (UserError) with both when it overflows. `what` begins the message: "[pad]".
inline int64_t checked_add(int64_t a, int64_t b, std::string_view what) {
  int64_t sum = 0;
  require(!__builtin_add_overflow(a, b, &sum), "{} {} + {} overflows 64 bits", what, a, b);
  return sum;
}

/// a * b, likewise.
inline int64_t checked_multiply(int64_t a, int64_t b, std::string_view what) {
  int64_t product = 0;
  require(!__builtin_mul_overflow(a, b, &product), "{} {} * {} overflows 64 bits", what, a, b);
  return product;
}

}  // namespace brisk
