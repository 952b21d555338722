#pragma once

// Vectors for the inner loops of kernels. Sources that include this are compiled once for every
// instruction set with its own flags (cmake/kernels.cmake), so everything here and in the loops
// has internal linkage, and nothing of the standard library's templates is used: a linker that
// merges equal inline functions would otherwise hand AVX-512 code to the rest of the program.

#include <cstddef>
#include <cstdint>

namespace brisk::cpu {
namespace {

#ifdef __AVX512F__
constexpr int kLanes = 16;
constexpr int kRegisters = 32;
#else
constexpr int kLanes = 8;
constexpr int kRegisters = 16;
#endif

/// kLanes floats in a register, and kLanes integers of the same width (what comparisons give).
typedef float Lanes __attribute__((vector_size(4 * kLanes)));
typedef int32_t IntLanes __attribute__((vector_size(4 * kLanes)));
typedef float UnalignedLanes __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

#define BRISK_INLINE inline __attribute__((always_inline))

BRISK_INLINE Lanes load(const float* p) {
  return *reinterpret_cast<const UnalignedLanes*>(p);
}
BRISK_INLINE void store(float* p, Lanes x) {
  *reinterpret_cast<UnalignedLanes*>(p) = x;
}
BRISK_INLINE Lanes zero() {
  return Lanes{};
}
BRISK_INLINE Lanes fill(float x) {
  return x - Lanes{};
}
/// max(x, 0) that keeps NaN.
BRISK_INLINE Lanes relu(Lanes x) {
  return Lanes{} > x ? Lanes{} : x;
}
/// min(max(x, 0), 6) that keeps NaN.
BRISK_INLINE Lanes relu6(Lanes x) {
  const Lanes positive = relu(x), six = fill(6);
  return positive > six ? six : positive;
}

/// What an epilogue ends with.
BRISK_INLINE Lanes activated(Lanes x, bool with_relu, bool with_relu6) {
  return with_relu6 ? relu6(x) : with_relu ? relu(x) : x;
}

}  // namespace
}  // namespace brisk::cpu
