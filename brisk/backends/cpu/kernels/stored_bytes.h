#pragma once

// 8-bit integers by whole vectors, or the first `count` places of one at the end of the channels.
// See lanes.h for the linkage.

#include "brisk/backends/cpu/kernels/stored_lanes.h"

namespace brisk::cpu {
namespace {

constexpr int kByteLanes = 4 * kLanes;

struct UnsignedBytes {
  using Element = uint8_t;
  typedef uint8_t Vector __attribute__((vector_size(kByteLanes)));
  typedef uint8_t Unaligned __attribute__((vector_size(kByteLanes), aligned(1), may_alias));
  static constexpr uint8_t kLowest = 0;
};
struct SignedBytes {
  using Element = int8_t;
  typedef int8_t Vector __attribute__((vector_size(kByteLanes)));
  typedef int8_t Unaligned __attribute__((vector_size(kByteLanes), aligned(1), may_alias));
  static constexpr int8_t kLowest = -128;
};

/// The first `count` elements, zeros after them; a whole vector where count >= kByteLanes.
template <typename Bytes>
BRISK_INLINE typename Bytes::Vector load_byte_vector(const typename Bytes::Element* p,
                                                     int64_t count) {
  if (count >= kByteLanes) return *reinterpret_cast<const typename Bytes::Unaligned*>(p);
  typename Bytes::Element buffer[kByteLanes] = {};
  copy_first<kByteLanes / 2>(buffer, p, count);
  return *reinterpret_cast<const typename Bytes::Unaligned*>(buffer);
}
template <typename Bytes>
BRISK_INLINE void store_byte_vector(typename Bytes::Element* p, int64_t count,
                                    typename Bytes::Vector x) {
  if (count >= kByteLanes) {
    *reinterpret_cast<typename Bytes::Unaligned*>(p) = x;
    return;
  }
  typename Bytes::Element buffer[kByteLanes];
  *reinterpret_cast<typename Bytes::Unaligned*>(buffer) = x;
  copy_first<kByteLanes / 2>(p, buffer, count);
}

}  // namespace
}  // namespace brisk::cpu
