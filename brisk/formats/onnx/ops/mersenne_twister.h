#pragma once

/// MT19937 (Matsumoto and Nishimura 1998), seeded by one number as in their init_genrand, drawing
/// doubles of 53 bits: what numpy.random.seed(n) and numpy.random.uniform draw.

#include <array>
#include <cstddef>
#include <cstdint>

namespace brisk::onnx {

class MersenneTwister {
 public:
  explicit MersenneTwister(uint32_t seed);
  uint32_t next();
  /// In [0, 1).
  double uniform();

 private:
  static constexpr size_t kSize = 624;
  std::array<uint32_t, kSize> state_;
  size_t at_ = kSize;
};

}  // namespace brisk::onnx
