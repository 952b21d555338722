#pragma once

// 8-bit integers as kLanes f32 numbers, which hold them exactly, and back; stores saturate.

#include "brisk/backends/cpu/kernels/stored_lanes.h"

namespace brisk::cpu {
namespace {

typedef int8_t SignedByteLanes __attribute__((vector_size(kLanes)));
typedef int8_t UnalignedSignedByteLanes __attribute__((vector_size(kLanes), aligned(1), may_alias));

BRISK_INLINE IntLanes saturated(Lanes x, float low, float high) {
  const Lanes least = fill(low), greatest = fill(high);
  const Lanes above = x > least ? x : least;
  return __builtin_convertvector(above < greatest ? above : greatest, IntLanes);
}

struct StoredU8 {
  using Element = uint8_t;
  static BRISK_INLINE Lanes load(const uint8_t* p) {
    const ByteLanes bytes = *reinterpret_cast<const UnalignedByteLanes*>(p);
    return __builtin_convertvector(__builtin_convertvector(bytes, IntLanes), Lanes);
  }
  static BRISK_INLINE void store(uint8_t* p, Lanes x) {
    *reinterpret_cast<UnalignedByteLanes*>(p) =
        __builtin_convertvector(saturated(x, 0, 255), ByteLanes);
  }
};

struct StoredI8 {
  using Element = int8_t;
  static BRISK_INLINE Lanes load(const int8_t* p) {
    const SignedByteLanes bytes = *reinterpret_cast<const UnalignedSignedByteLanes*>(p);
    return __builtin_convertvector(__builtin_convertvector(bytes, IntLanes), Lanes);
  }
  static BRISK_INLINE void store(int8_t* p, Lanes x) {
    *reinterpret_cast<UnalignedSignedByteLanes*>(p) =
        __builtin_convertvector(saturated(x, -128, 127), SignedByteLanes);
  }
};

}  // namespace
}  // namespace brisk::cpu
