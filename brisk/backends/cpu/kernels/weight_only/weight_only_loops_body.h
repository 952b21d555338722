#pragma once

// The loops of weight_only_loops.h, compiled once for each instruction set.
//
// A block of results [kRows, kVectors * kLanes] stays in registers while it goes along k. Each step
// broadcasts an element (of bf16: a pair) of each row and multiplies it with the panel's vectors.
// 8-bit integers are exact in bf16, so expanding them rounds nothing.

#include "brisk/backends/cpu/kernels/stored_lanes.h"
#include "brisk/backends/cpu/kernels/weight_only/weight_only_loops.h"
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace brisk::cpu {
namespace {

constexpr int kRows = 6;
constexpr int kVectors = kRegisters == 32 ? 4 : 2;
constexpr int kColumns = kVectors * kLanes;

#ifdef __AVX512BF16__
constexpr int kDepth = 2;
using Element = uint16_t;
/// Pairs of bf16, one a lane.
using Weights = __m512i;

BRISK_INLINE Weights weights_of(const int8_t* p) {
  const auto floats = [](const int8_t* q) {
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(q))));
  };
  return (__m512i)_mm512_cvtne2ps_pbh(floats(p + kLanes), floats(p));
}
BRISK_INLINE Weights broadcast(const uint16_t* p) {
  int32_t pair;
  __builtin_memcpy(&pair, p, sizeof(pair));
  return _mm512_set1_epi32(pair);
}
/// The last element of a row of odd length, beside a zero.
BRISK_INLINE Weights broadcast_last(const uint16_t* p) {
  return _mm512_set1_epi32(*p);
}
BRISK_INLINE Lanes multiply_add(Lanes sum, Weights a, Weights w) {
  return (Lanes)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)w);
}
#else
constexpr int kDepth = 1;
using Element = float;
using Weights = Lanes;
typedef int8_t SignedByteLanes __attribute__((vector_size(kLanes), aligned(1), may_alias));

BRISK_INLINE Weights weights_of(const int8_t* p) {
  const auto bytes = *reinterpret_cast<const SignedByteLanes*>(p);
  return __builtin_convertvector(__builtin_convertvector(bytes, IntLanes), Lanes);
}
BRISK_INLINE Weights broadcast(const float* p) {
  return fill(*p);
}
BRISK_INLINE Weights broadcast_last(const float* p) {
  return fill(*p);
}
BRISK_INLINE Lanes multiply_add(Lanes sum, Weights a, Weights w) {
  return sum + a * w;
}
#endif

constexpr int kFloatBytes = sizeof(Weights) / (kLanes * kDepth);
typedef Weights UnalignedWeights __attribute__((aligned(1), may_alias));

/// The vectors of step `step`, from integers or from their floats.
template <bool Expanded>
BRISK_INLINE void load_weights(const WeightOnlyTile& tile, int64_t step, Weights (&w)[kVectors]) {
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v)
    w[v] = Expanded
               ? *reinterpret_cast<const UnalignedWeights*>(
                     tile.expanded + (step * kVectors + v) * static_cast<int64_t>(sizeof(Weights)))
               : weights_of(tile.panel + (step * kVectors + v) * kLanes * kDepth);
}

template <int Rows, bool Expanded>
void multiply_rows(const WeightOnlyTile& tile, int64_t row) {
  const auto* lhs = reinterpret_cast<const Element*>(tile.lhs) + row * tile.k;
  Lanes sums[Rows][kVectors] = {};
  const int64_t whole = tile.k / kDepth;
  Weights w[kVectors];
  for (int64_t step = 0; step < whole; ++step) {
    load_weights<Expanded>(tile, step, w);
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      const Weights a = broadcast(lhs + r * tile.k + step * kDepth);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = multiply_add(sums[r][v], a, w[v]);
    }
  }
  if (whole * kDepth < tile.k) {
    load_weights<Expanded>(tile, whole, w);
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      const Weights a = broadcast_last(lhs + r * tile.k + whole * kDepth);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = multiply_add(sums[r][v], a, w[v]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t left = tile.columns - v * kLanes;
      if (left > 0)
        store_first<StoredF32>(tile.result + (row + r) * tile.stride + v * kLanes, left,
                               sums[r][v] * load_first<StoredF32>(tile.scale + v * kLanes, left));
    }
}

template <int Rows, bool Expanded>
void multiply_last_rows(const WeightOnlyTile& tile, int64_t row) {
  if constexpr (Rows > 0) {
    if (tile.rows - row == Rows) return multiply_rows<Rows, Expanded>(tile, row);
    multiply_last_rows<Rows - 1, Expanded>(tile, row);
  }
}

template <bool Expanded>
void multiply_all(const WeightOnlyTile& tile) {
  int64_t row = 0;
  for (; row + kRows <= tile.rows; row += kRows) multiply_rows<kRows, Expanded>(tile, row);
  multiply_last_rows<kRows - 1, Expanded>(tile, row);
}

void multiply_tile(const WeightOnlyTile& tile) {
  tile.expanded != nullptr ? multiply_all<true>(tile) : multiply_all<false>(tile);
}

void expand_panel(const int8_t* panel, int64_t k, std::byte* expanded) {
  const int64_t vectors = (k + kDepth - 1) / kDepth * kVectors;
  for (int64_t v = 0; v < vectors; ++v)
    *reinterpret_cast<UnalignedWeights*>(expanded + v * static_cast<int64_t>(sizeof(Weights))) =
        weights_of(panel + v * kLanes * kDepth);
}

constexpr WeightOnlyLoops kWeightOnlyLoops{.columns = kColumns,
                                           .depth = kDepth,
                                           .rows = kRows,
                                           .bf16 = kDepth == 2,
                                           .float_bytes = kFloatBytes,
                                           .expand = expand_panel,
                                           .multiply = multiply_tile};

}  // namespace
}  // namespace brisk::cpu
