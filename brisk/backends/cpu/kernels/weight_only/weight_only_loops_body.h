#pragma once

// The loops of weight_only_loops.h, compiled once for each instruction set.
//
// A block of results [kRows, kVectors * kLanes] stays in registers while it goes along k. Each step
// broadcasts an element (of bf16: a pair) of each row and multiplies it with the panel's vectors.
// 8-bit integers are exact in bf16, so expanding them rounds nothing. Where a block of k ends, its
// sums are scaled and added to the result.

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

/// What a step's vectors are made of.
enum class Source { bytes, halves, floats };

#ifdef __AVX512BF16__
constexpr int kDepth = 2;
using Element = uint16_t;
/// Pairs of bf16, one a lane.
using Weights = __m512i;
using Packed = __m512i;

BRISK_INLINE Weights weights_of(const std::byte* p) {
  const auto floats = [](const std::byte* q) {
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(q))));
  };
  return (__m512i)_mm512_cvtne2ps_pbh(floats(p + kLanes), floats(p));
}
/// bf16 of the integers whose low 4 bits are 0, 1, ... 15, twice: a lookup reads 5 bits.
alignas(64) constexpr uint16_t kShortFloats[32] = {
    0x0000, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x40e0, 0xc100, 0xc0e0, 0xc0c0,
    0xc0a0, 0xc080, 0xc040, 0xc000, 0xbf80, 0x0000, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0,
    0x40c0, 0x40e0, 0xc100, 0xc0e0, 0xc0c0, 0xc0a0, 0xc080, 0xc040, 0xc000, 0xbf80};
/// Element `number` of each 16 bits.
BRISK_INLINE Weights weights_of(Packed halves, int number) {
  return _mm512_permutexvar_epi16(_mm512_srli_epi16(halves, static_cast<unsigned>(4 * number)),
                                  _mm512_load_si512(kShortFloats));
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
using Packed = IntLanes;
typedef int8_t SignedByteLanes __attribute__((vector_size(kLanes), aligned(1), may_alias));

BRISK_INLINE Weights weights_of(const std::byte* p) {
  const auto bytes = *reinterpret_cast<const SignedByteLanes*>(p);
  return __builtin_convertvector(__builtin_convertvector(bytes, IntLanes), Lanes);
}
/// Element `number` of each 32 bits.
BRISK_INLINE Weights weights_of(Packed halves, int number) {
  return __builtin_convertvector((halves << (28 - 4 * number)) >> 28, Lanes);
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
/// Steps that share a register of 4-bit integers.
constexpr int kPackedSteps = static_cast<int>(sizeof(Packed)) * 2 / (kColumns * kDepth);
static_assert(kBlockMultiple % (kPackedSteps * kDepth) == 0);
typedef Weights UnalignedWeights __attribute__((aligned(1), may_alias));
typedef Packed UnalignedPacked __attribute__((aligned(1), may_alias));

/// The vectors of step `step`, which is number `part` of its register.
template <Source kSource>
BRISK_INLINE void load_weights(const std::byte* from, int64_t step, int part,
                               Weights (&w)[kVectors]) {
  if constexpr (kSource == Source::halves) {
    const Packed halves = *reinterpret_cast<const UnalignedPacked*>(
        from + step / kPackedSteps * static_cast<int64_t>(sizeof(Packed)));
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) w[v] = weights_of(halves, part * kVectors + v);
  } else {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      w[v] = kSource == Source::floats
                 ? *reinterpret_cast<const UnalignedWeights*>(
                       from + (step * kVectors + v) * static_cast<int64_t>(sizeof(Weights)))
                 : weights_of(from + (step * kVectors + v) * kLanes * kDepth);
  }
}

template <int Rows>
BRISK_INLINE void add_step(const Element* lhs, int64_t k, bool is_whole,
                           const Weights (&w)[kVectors], Lanes (&sums)[Rows][kVectors]) {
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
    const Weights a = is_whole ? broadcast(lhs + r * k) : broadcast_last(lhs + r * k);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = multiply_add(sums[r][v], a, w[v]);
  }
}

BRISK_INLINE Lanes load_scale(const WeightOnlyTile& tile, int64_t block, int vector) {
  const int64_t at = block * kColumns + vector * kLanes;
  return tile.short_scale ? StoredBf16::load(reinterpret_cast<const uint16_t*>(tile.scale) + at)
                          : StoredF32::load(reinterpret_cast<const float*>(tile.scale) + at);
}

/// The sums of a block along k, scaled: the result, or what is added to it.
template <int Rows>
BRISK_INLINE void finish_block(const WeightOnlyTile& tile, int64_t row, int64_t block,
                               const Lanes (&sums)[Rows][kVectors]) {
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    const int64_t left = tile.columns - v * kLanes;
    if (left <= 0) break;
    const Lanes scale = load_scale(tile, block, v);
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      float* result = tile.result + (row + r) * tile.stride + v * kLanes;
      const Lanes y = sums[r][v] * scale;
      store_first<StoredF32>(result, left,
                             block == 0 ? y : load_first<StoredF32>(result, left) + y);
    }
  }
}

template <int Rows, Source kSource>
void multiply_rows(const WeightOnlyTile& tile, int64_t row) {
  constexpr int kTogether = kSource == Source::halves ? kPackedSteps : 1;
  const auto* lhs = reinterpret_cast<const Element*>(tile.lhs) + row * tile.k;
  const std::byte* from = kSource == Source::floats ? tile.expanded : tile.panel;
  Weights w[kVectors];
  int64_t step = 0;
  for (int64_t block = 0, end = 0; end < tile.k; ++block) {
    end = tile.k - end > tile.block ? end + tile.block : tile.k;
    const int64_t whole = end / kDepth;
    Lanes sums[Rows][kVectors] = {};
    for (; step + kTogether <= whole; step += kTogether)
#pragma GCC unroll 4
      for (int part = 0; part < kTogether; ++part) {
        load_weights<kSource>(from, step + part, part, w);
        add_step<Rows>(lhs + (step + part) * kDepth, tile.k, true, w, sums);
      }
    for (; step * kDepth < end; ++step) {
      load_weights<kSource>(from, step, static_cast<int>(step % kTogether), w);
      add_step<Rows>(lhs + step * kDepth, tile.k, step < whole, w, sums);
    }
    finish_block<Rows>(tile, row, block, sums);
  }
}

template <int Rows, Source kSource>
void multiply_last_rows(const WeightOnlyTile& tile, int64_t row) {
  if constexpr (Rows > 0) {
    if (tile.rows - row == Rows) return multiply_rows<Rows, kSource>(tile, row);
    multiply_last_rows<Rows - 1, kSource>(tile, row);
  }
}

template <Source kSource>
void multiply_all(const WeightOnlyTile& tile) {
  int64_t row = 0;
  for (; row + kRows <= tile.rows; row += kRows) multiply_rows<kRows, kSource>(tile, row);
  multiply_last_rows<kRows - 1, kSource>(tile, row);
}

void multiply_tile(const WeightOnlyTile& tile) {
  if (tile.expanded != nullptr) return multiply_all<Source::floats>(tile);
  tile.packed ? multiply_all<Source::halves>(tile) : multiply_all<Source::bytes>(tile);
}

template <Source kSource>
void expand_steps(const std::byte* panel, int64_t k, std::byte* expanded) {
  const int64_t steps = (k + kDepth - 1) / kDepth;
  Weights w[kVectors];
  for (int64_t step = 0; step < steps; ++step) {
    load_weights<kSource>(panel, step, static_cast<int>(step % kPackedSteps), w);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      *reinterpret_cast<UnalignedWeights*>(
          expanded + (step * kVectors + v) * static_cast<int64_t>(sizeof(Weights))) = w[v];
  }
}

void expand_panel(const std::byte* panel, bool packed, int64_t k, std::byte* expanded) {
  packed ? expand_steps<Source::halves>(panel, k, expanded)
         : expand_steps<Source::bytes>(panel, k, expanded);
}

constexpr WeightOnlyLoops kWeightOnlyLoops{.columns = kColumns,
                                           .lanes = kLanes,
                                           .depth = kDepth,
                                           .packed_steps = kPackedSteps,
                                           .rows = kRows,
                                           .bf16 = kDepth == 2,
                                           .float_bytes = kFloatBytes,
                                           .expand = expand_panel,
                                           .multiply = multiply_tile};

}  // namespace
}  // namespace brisk::cpu
