#pragma once

/// A tensor seen as [outer, extent, inner] around one axis, and positions along that axis.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "brisk/base/dtype.h"
#include "brisk/base/shape.h"

namespace brisk::cpu {

struct AxisView {
  int64_t outer = 1, extent = 1, inner = 1;
};

AxisView view_around(const Shape& shape, int64_t axis);

/// Positions of type i32 or i64.
class Positions {
 public:
  Positions(const std::byte* data, DType type) : data_(data), is_wide_(type == DType::i64) {}
  int64_t operator[](int64_t i) const {
    return is_wide_ ? reinterpret_cast<const int64_t*>(data_)[i]
                    : reinterpret_cast<const int32_t*>(data_)[i];
  }

 private:
  const std::byte* data_;
  bool is_wide_;
};

inline int64_t clamped(int64_t position, int64_t extent) {
  return std::clamp<int64_t>(position, 0, extent - 1);
}

/// Threads that `bytes` of memory traffic are worth.
inline int threads_for_bytes(int64_t bytes, int threads) {
  constexpr int64_t kBytesPerThread = 32 << 10;
  return static_cast<int>(std::clamp<int64_t>(bytes / kBytesPerThread, 1, threads));
}

}  // namespace brisk::cpu
