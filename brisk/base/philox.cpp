#include "brisk/base/philox.h"

#include <cmath>
#include <numbers>

namespace brisk {

uint64_t PhiloxSequence::next_below(uint64_t bound) {
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    const uint64_t high = next_word();
    const uint64_t word = (high << 32) | next_word();
    if (word < limit) return word % bound;
  }
}

double PhiloxSequence::next_normal() {
  const double u = 1.0 - next_unit();  // (0, 1]: the logarithm stays finite
  const double v = next_unit();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

}  // namespace brisk
