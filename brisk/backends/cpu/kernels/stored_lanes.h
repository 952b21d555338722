#pragma once

// Loads and stores of kLanes values kept as f32, bf16 or f16, computed in f32; whole vectors, or
// the first `count` places of one at the end of the channels. See lanes.h for the linkage.

#include "brisk/backends/cpu/kernels/lanes.h"

namespace brisk::cpu {
namespace {

typedef uint16_t ShortLanes __attribute__((vector_size(2 * kLanes)));
typedef uint16_t UnalignedShortLanes
    __attribute__((vector_size(2 * kLanes), aligned(2), may_alias));
typedef uint32_t WordLanes __attribute__((vector_size(4 * kLanes)));
typedef uint8_t ByteLanes __attribute__((vector_size(kLanes)));
typedef uint8_t UnalignedByteLanes __attribute__((vector_size(kLanes), aligned(1), may_alias));

struct StoredF32 {
  using Element = float;
  static BRISK_INLINE Lanes load(const float* p) { return cpu::load(p); }
  static BRISK_INLINE void store(float* p, Lanes x) { cpu::store(p, x); }
};

struct StoredBf16 {
  using Element = uint16_t;
  static BRISK_INLINE Lanes load(const uint16_t* p) {
    const ShortLanes bits = *reinterpret_cast<const UnalignedShortLanes*>(p);
    return (Lanes)(__builtin_convertvector(bits, WordLanes) << 16);
  }
  /// Rounds to nearest even; NaN stays one.
  static BRISK_INLINE void store(uint16_t* p, Lanes x) {
    const WordLanes bits = (WordLanes)x;
    const WordLanes rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const WordLanes quiet = (bits >> 16) | 0x40;
    *reinterpret_cast<UnalignedShortLanes*>(p) =
        __builtin_convertvector(x == x ? rounded : quiet, ShortLanes);
  }
};

/// f16 by the processor's own conversions, which plain vector code has no name for.
struct StoredF16 {
  using Element = uint16_t;
  static BRISK_INLINE Lanes load(const uint16_t* p);
  static BRISK_INLINE void store(uint16_t* p, Lanes x);
};

#ifdef __AVX512F__
typedef long long HalfWords __attribute__((vector_size(32)));
typedef int HalfInts __attribute__((vector_size(32)));
typedef short HalfShorts __attribute__((vector_size(32)));
BRISK_INLINE Lanes StoredF16::load(const uint16_t* p) {
  const ShortLanes bits = *reinterpret_cast<const UnalignedShortLanes*>(p);
  return __builtin_ia32_vcvtph2ps512_mask((HalfShorts)bits, Lanes{}, -1, 4);
}
BRISK_INLINE void StoredF16::store(uint16_t* p, Lanes x) {
  *reinterpret_cast<UnalignedShortLanes*>(p) =
      (ShortLanes)__builtin_ia32_vcvtps2ph512_mask(x, 0, (HalfShorts)HalfWords{}, -1);
}
#else
typedef short QuarterShorts __attribute__((vector_size(16)));
BRISK_INLINE Lanes StoredF16::load(const uint16_t* p) {
  const ShortLanes bits = *reinterpret_cast<const UnalignedShortLanes*>(p);
  return __builtin_ia32_vcvtph2ps256((QuarterShorts)bits);
}
BRISK_INLINE void StoredF16::store(uint16_t* p, Lanes x) {
  *reinterpret_cast<UnalignedShortLanes*>(p) = (ShortLanes)__builtin_ia32_vcvtps2ph256(x, 0);
}
#endif

// Less than a vector of f32 is moved under a mask: a copy to where there is room for a whole one
// costs a stall, since it is read before it is all written.
#ifdef __AVX512F__
BRISK_INLINE Lanes load_part(const float* p, int64_t count) {
  return __builtin_ia32_loadups512_mask(p, Lanes{}, static_cast<uint16_t>((1u << count) - 1));
}
BRISK_INLINE void store_part(float* p, int64_t count, Lanes x) {
  __builtin_ia32_storeups512_mask(p, x, static_cast<uint16_t>((1u << count) - 1));
}
#else
BRISK_INLINE IntLanes first_places(int64_t count) {
  return IntLanes{0, 1, 2, 3, 4, 5, 6, 7} < static_cast<int32_t>(count);
}
BRISK_INLINE Lanes load_part(const float* p, int64_t count) {
  return __builtin_ia32_maskloadps256(reinterpret_cast<const Lanes*>(p), first_places(count));
}
BRISK_INLINE void store_part(float* p, int64_t count, Lanes x) {
  __builtin_ia32_maskstoreps256(reinterpret_cast<Lanes*>(p), first_places(count), x);
}
#endif

/// Copies `count` < 2 * kSize elements in pieces of half the size each.
template <int kSize = kLanes / 2, typename T>
BRISK_INLINE void copy_first(T* to, const T* from, int64_t count) {
  const int64_t piece = count & kSize;
  if (piece != 0) __builtin_memcpy(to, from, kSize * sizeof(T));
  if constexpr (kSize > 1) copy_first<kSize / 2>(to + piece, from + piece, count);
}

/// The first `count` values, zeros after them; whole vectors where count >= kLanes.
template <typename Stored>
BRISK_INLINE Lanes load_first(const typename Stored::Element* p, int64_t count) {
  if (count >= kLanes) return Stored::load(p);
  if constexpr (sizeof(typename Stored::Element) == sizeof(float)) {
    return load_part(p, count);
  } else {
    typename Stored::Element buffer[kLanes] = {};
    copy_first(buffer, p, count);
    return Stored::load(buffer);
  }
}
template <typename Stored>
BRISK_INLINE void store_first(typename Stored::Element* p, int64_t count, Lanes x) {
  if (count >= kLanes) return Stored::store(p, x);
  if constexpr (sizeof(typename Stored::Element) == sizeof(float)) {
    store_part(p, count, x);
  } else {
    typename Stored::Element buffer[kLanes];
    Stored::store(buffer, x);
    copy_first(p, buffer, count);
  }
}

/// Bytes as integers and back.
BRISK_INLINE IntLanes load_bytes_first(const uint8_t* p, int64_t count) {
  if (count >= kLanes)
    return __builtin_convertvector(*reinterpret_cast<const UnalignedByteLanes*>(p), IntLanes);
  uint8_t buffer[kLanes] = {};
  copy_first(buffer, p, count);
  return __builtin_convertvector(*reinterpret_cast<const UnalignedByteLanes*>(buffer), IntLanes);
}
BRISK_INLINE void store_bytes_first(uint8_t* p, int64_t count, IntLanes x) {
  const ByteLanes bytes = __builtin_convertvector(x, ByteLanes);
  if (count >= kLanes) {
    *reinterpret_cast<UnalignedByteLanes*>(p) = bytes;
    return;
  }
  uint8_t buffer[kLanes];
  *reinterpret_cast<UnalignedByteLanes*>(buffer) = bytes;
  copy_first(p, buffer, count);
}

}  // namespace
}  // namespace brisk::cpu
