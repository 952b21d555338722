#pragma once

/// Whole-number division upwards.

#include <cstdint>

namespace brisk {

/// a / b rounded up, for a >= 0 and b > 0.
constexpr int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/// The smallest multiple of `multiple` that is at least `value`, for value >= 0 and multiple > 0.
constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return ceil_div(value, multiple) * multiple;
}

}  // namespace brisk
