#pragma once

/// pixel * scale + offset by channel, the one conversion that every image goes through.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "brisk/base/dtype.h"

namespace brisk {

class AffinePixels {
 public:
  /// One scale and one offset for each channel, or one of each for all.
  AffinePixels(std::vector<float> scale, std::vector<float> offset);

  /// `count` elements, channels innermost, of any type but i4, into f32.
  void run(DType dtype, const std::byte* elements, int64_t count, float* result) const;

 private:
  // Repeated so that a loop over them has full vectors at any number of channels.
  std::vector<float> scale_;
  std::vector<float> offset_;
};

}  // namespace brisk
