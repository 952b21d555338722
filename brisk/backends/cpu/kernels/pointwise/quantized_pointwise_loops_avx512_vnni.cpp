#include <immintrin.h>

#include "brisk/backends/cpu/kernels/lanes.h"
#include "brisk/backends/cpu/kernels/pointwise/quantized_pointwise_loops.h"

// A block of results [Rows, Vectors * 16] stays in registers while it goes along k, four at a time:
// the row's four bytes are broadcast and multiplied with the panel's vectors. What a signed lhs
// lacks to an unsigned one, which the instruction wants on its left, is added to its bytes and
// taken off the sums' start.

namespace brisk::cpu {
namespace {

template <bool Signed>
BRISK_INLINE __m512i broadcast_four(const uint8_t* p) {
  int four;
  __builtin_memcpy(&four, p, sizeof(four));
  const __m512i bytes = _mm512_set1_epi32(four);
  return Signed ? _mm512_xor_si512(bytes, _mm512_set1_epi8(static_cast<char>(0x80))) : bytes;
}

enum class Kind : uint8_t { f32, i8, u8 };

/// A block's sums [count, vectors], and where its first row of results begins.
struct Block {
  const __m512i* sums;
  int64_t count, vectors, first, stride;
};

/// 16 bytes as floats.
template <bool Signed>
BRISK_INLINE __m512 as_floats(__m128i bytes) {
  return _mm512_cvtepi32_ps(Signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes));
}

/// The result's numbers before they are rounded, but for the residual.
BRISK_INLINE __m512 scaled(__m512i sum, __m512 bias, __m512 multiplier) {
  return _mm512_mul_ps(_mm512_add_ps(_mm512_cvtepi32_ps(sum), bias), multiplier);
}

/// A product before its residual joins, in units of the result.
BRISK_INLINE __m512 in_steps(const QuantizedPanel& panel, __m512 y) {
  if (panel.product_scale == 0) return y;
  y = _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  y = _mm512_min_ps(_mm512_set1_ps(panel.product_high),
                    _mm512_max_ps(_mm512_set1_ps(panel.product_low), y));  // NaN stays
  return _mm512_mul_ps(y, _mm512_set1_ps(panel.product_scale));
}

/// Column `column`, a vector of them of which `there` are, of a block, to where it belongs.
template <Kind To, bool Residual, bool SignedResidual>
void finish_column(const QuantizedPanel& panel, const Block& block, int64_t column, __mmask16 there,
                   const uint8_t* residual, std::byte* result) {
  const __m512 bias = _mm512_loadu_ps(panel.bias + column),
               multiplier = _mm512_loadu_ps(panel.multiplier + column);
  const __m512 low = _mm512_set1_ps(panel.low), high = _mm512_set1_ps(panel.high),
               scale = _mm512_set1_ps(panel.residual_scale);
  const __m512i* sums = block.sums + column / kPanelVector;
  int64_t at = block.first + column;
  for (int64_t r = 0; r < block.count; ++r, sums += block.vectors, at += block.stride) {
    __m512 y = scaled(*sums, bias, multiplier);
    if constexpr (Residual)
      y = _mm512_fmadd_ps(as_floats<SignedResidual>(_mm_maskz_loadu_epi8(there, residual + at)),
                          scale, in_steps(panel, y));
    y = _mm512_min_ps(high, _mm512_max_ps(low, y));  // NaN stays
    if constexpr (To == Kind::f32) {
      _mm512_mask_storeu_ps(reinterpret_cast<float*>(result) + at, there, y);
    } else {
      const __m512i whole = _mm512_cvtps_epi32(y);
      _mm_mask_storeu_epi8(
          result + at, there,
          To == Kind::i8 ? _mm512_cvtsepi32_epi8(whole) : _mm512_cvtusepi32_epi8(whole));
    }
  }
}

/// A block of 64 or 32 columns to bytes, which are packed together; packing saturates, so that only
/// what would overflow 32 bits, and a bound above the type's own, are left to clamp.
template <int Vectors, Kind To, bool Residual, bool SignedResidual>
void finish_whole(const QuantizedPanel& panel, const Block& block, const uint8_t* residual,
                  std::byte* result) {
  // Packing works inside of quarters of a register; this puts their parts in order.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512 low = _mm512_set1_ps(panel.low), high = _mm512_set1_ps(panel.high),
               scale = _mm512_set1_ps(panel.residual_scale);
  __m512 bias[Vectors], multiplier[Vectors];
#pragma GCC unroll 4
  for (int v = 0; v < Vectors; ++v) {
    bias[v] = _mm512_loadu_ps(panel.bias + v * kPanelVector);
    multiplier[v] = _mm512_loadu_ps(panel.multiplier + v * kPanelVector);
  }
  const __m512i* sums = block.sums;
  int64_t at = block.first;
  for (int64_t r = 0; r < block.count; ++r, sums += Vectors, at += block.stride) {
    __m512i whole[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      __m512 y = scaled(sums[v], bias[v], multiplier[v]);
      if constexpr (Residual)
        y = _mm512_fmadd_ps(as_floats<SignedResidual>(_mm_loadu_si128(
                                reinterpret_cast<const __m128i*>(residual + at) + v)),
                            scale, in_steps(panel, y));
      if constexpr (To == Kind::i8) y = _mm512_max_ps(low, y);
      whole[v] = _mm512_cvtps_epi32(_mm512_min_ps(high, y));
    }
    const __m512i first = _mm512_packs_epi32(whole[0], whole[1]),
                  second = _mm512_packs_epi32(whole[Vectors - 2], whole[Vectors - 1]);
    const __m512i bytes =
        To == Kind::i8 ? _mm512_packs_epi16(first, second) : _mm512_packus_epi16(first, second);
    const __m512i ordered = _mm512_permutexvar_epi32(order, bytes);
    if constexpr (Vectors == 4)
      _mm512_storeu_si512(result + at, ordered);
    else
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(result + at), _mm512_castsi512_si256(ordered));
  }
}

template <Kind To, bool Residual, bool SignedResidual>
void finish(const QuantizedPanel& panel, const Block& block, const uint8_t* residual,
            std::byte* result) {
  if constexpr (To != Kind::f32) {
    if (panel.columns == 4 * kPanelVector)
      return finish_whole<4, To, Residual, SignedResidual>(panel, block, residual, result);
    if (panel.columns == 2 * kPanelVector)
      return finish_whole<2, To, Residual, SignedResidual>(panel, block, residual, result);
  }
  for (int64_t column = 0; column < panel.columns; column += kPanelVector) {
    const int64_t left = panel.columns - column;
    const auto there =
        left >= kPanelVector ? __mmask16(0xffff) : static_cast<__mmask16>((1u << left) - 1);
    finish_column<To, Residual, SignedResidual>(panel, block, column, there, residual, result);
  }
}

using Finish = void (*)(const QuantizedPanel& panel, const Block& block, const uint8_t* residual,
                        std::byte* result);

template <Kind To>
Finish finish_to(const QuantizedPanel& panel) {
  if (!panel.residual) return finish<To, false, false>;
  return panel.signed_residual ? finish<To, true, true> : finish<To, true, false>;
}

Finish finish_of(const QuantizedPanel& panel) {
  if (panel.to_f32) return finish<Kind::f32, false, false>;
  return panel.signed_result ? finish_to<Kind::i8>(panel) : finish_to<Kind::u8>(panel);
}

/// Sums of `Rows` rows from `row` on, to `stored`.
template <int Rows, int Vectors, bool SignedLhs>
BRISK_INLINE void multiply(const QuantizedPanel& panel, const QuantizedRows& rows, int64_t row,
                           __m512i* stored) {
  const uint8_t* lhs[Rows];
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r)
    lhs[r] = rows.lhs + (rows.pixels == nullptr ? row + r : rows.pixels[row + r]) * panel.k;
  __m512i sums[Rows][Vectors];
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      sums[r][v] = _mm512_loadu_si512(panel.start + v * kPanelVector);
  const int8_t* weights = panel.weights;
  for (int64_t at = 0; at < panel.k; at += 4, weights += Vectors * 4 * kPanelVector) {
    __m512i w[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) w[v] = _mm512_loadu_si512(weights + v * 4 * kPanelVector);
#pragma GCC unroll 12
    for (int r = 0; r < Rows; ++r) {
      const __m512i a = broadcast_four<SignedLhs>(lhs[r] + at);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sums[r][v] = _mm512_dpbusd_epi32(sums[r][v], a, w[v]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) stored[r * Vectors + v] = sums[r][v];
}

/// The rows that fill no block: `Rows` or less.
template <int Rows, int Vectors, bool SignedLhs>
void multiply_last(const QuantizedPanel& panel, const QuantizedRows& rows, int64_t row,
                   __m512i* stored) {
  if constexpr (Rows > 0) {
    if (rows.end - row == Rows) return multiply<Rows, Vectors, SignedLhs>(panel, rows, row, stored);
    multiply_last<Rows - 1, Vectors, SignedLhs>(panel, rows, row, stored);
  }
}

template <int Vectors, bool SignedLhs>
void all_rows(const QuantizedPanel& panel, const QuantizedRows& rows, const uint8_t* residual,
              std::byte* result) {
  constexpr int kRows = panel_rows(Vectors);
  const Finish finish = finish_of(panel);
  __m512i stored[kRows * Vectors];
  int64_t row = rows.begin;
  for (; row + kRows <= rows.end; row += kRows) {
    multiply<kRows, Vectors, SignedLhs>(panel, rows, row, stored);
    finish(panel, {stored, kRows, Vectors, row * rows.stride, rows.stride}, residual, result);
  }
  if (row == rows.end) return;
  multiply_last<kRows - 1, Vectors, SignedLhs>(panel, rows, row, stored);
  finish(panel, {stored, rows.end - row, Vectors, row * rows.stride, rows.stride}, residual,
         result);
}

template <int Vectors>
void of_lhs(const QuantizedPanel& panel, const QuantizedRows& rows, const uint8_t* residual,
            std::byte* result) {
  panel.signed_lhs ? all_rows<Vectors, true>(panel, rows, residual, result)
                   : all_rows<Vectors, false>(panel, rows, residual, result);
}

void panel_times_rows(const QuantizedPanel& panel, const QuantizedRows& rows,
                      const uint8_t* residual, std::byte* result) {
  switch ((panel.columns + kPanelVector - 1) / kPanelVector) {
    case 1:
      return of_lhs<1>(panel, rows, residual, result);
    case 2:
      return of_lhs<2>(panel, rows, residual, result);
    case 3:
      return of_lhs<3>(panel, rows, residual, result);
    default:
      return of_lhs<4>(panel, rows, residual, result);
  }
}

}  // namespace

extern const QuantizedPanelTimesRows quantized_panel_times_rows_avx512_vnni;
const QuantizedPanelTimesRows quantized_panel_times_rows_avx512_vnni = panel_times_rows;

}  // namespace brisk::cpu
