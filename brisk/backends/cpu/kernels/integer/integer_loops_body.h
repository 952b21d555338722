#pragma once

// The loops of integer_loops.h, compiled once for each instruction set.
//
// A tile of results stays in registers as in product.h, but a step takes two rows of the weights:
// one instruction multiplies pairs of 16-bit numbers and adds the two products. A depthwise
// convolution has too few products to a result for that; its sums are exact in f32.

#include <immintrin.h>

#include "brisk/backends/cpu/kernels/integer/integer_loops.h"
#include "brisk/backends/cpu/kernels/stored_lanes.h"
#include "brisk/backends/cpu/kernels/window_ranges.h"

namespace brisk::cpu {
namespace {

constexpr int kIntegerVectors = 2;
constexpr int kIntegerRows = kRegisters == 32 ? 12 : 6;
constexpr int kIntegerColumns = kIntegerVectors * kLanes;

typedef int32_t UnalignedIntLanes __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

#ifdef __AVX512F__
BRISK_INLINE IntLanes add_pairs(IntLanes sum, IntLanes a, IntLanes b) {
  return sum + (IntLanes)_mm512_madd_epi16((__m512i)a, (__m512i)b);
}
BRISK_INLINE Lanes to_whole(Lanes x) {
  return _mm512_maskz_roundscale_ps(0xffff, x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
BRISK_INLINE Lanes multiply_add(Lanes x, Lanes y, Lanes z) {
  return _mm512_fmadd_ps(x, y, z);
}
#else
BRISK_INLINE IntLanes add_pairs(IntLanes sum, IntLanes a, IntLanes b) {
  return sum + (IntLanes)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}
BRISK_INLINE Lanes to_whole(Lanes x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
BRISK_INLINE Lanes multiply_add(Lanes x, Lanes y, Lanes z) {
  return _mm256_fmadd_ps(x, y, z);
}
#endif

BRISK_INLINE Lanes least(Lanes a, Lanes b) {
  return a < b ? a : b;
}
BRISK_INLINE Lanes greatest(Lanes a, Lanes b) {
  return a > b ? a : b;
}

// By the processor's own conversions: what a compiler makes of vectors of bytes takes ten times as
// long.
#ifdef __AVX512F__
BRISK_INLINE uint16_t first_bits(int64_t count) {
  return static_cast<uint16_t>(count >= kLanes ? 0xffff : (1u << count) - 1);
}
/// The first `count` bytes as numbers.
BRISK_INLINE IntLanes load_integers(const uint8_t* p, bool is_signed, int64_t count) {
  const __m128i bytes = _mm_maskz_loadu_epi8(first_bits(count), p);
  return (IntLanes)(is_signed ? _mm512_maskz_cvtepi8_epi32(0xffff, bytes)
                              : _mm512_maskz_cvtepu8_epi32(0xffff, bytes));
}
/// The low bytes of the first `count`.
BRISK_INLINE void store_integers(uint8_t* p, int64_t count, IntLanes x) {
  _mm512_mask_cvtepi32_storeu_epi8(p, first_bits(count), (__m512i)x);
}
#else
BRISK_INLINE IntLanes load_integers(const uint8_t* p, bool is_signed, int64_t count) {
  uint8_t buffer[kLanes] = {};
  if (count < kLanes) copy_first(buffer, p, count);
  const __m128i bytes =
      _mm_loadl_epi64(reinterpret_cast<const __m128i*>(count < kLanes ? buffer : p));
  return (IntLanes)(is_signed ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes));
}
BRISK_INLINE void store_integers(uint8_t* p, int64_t count, IntLanes x) {
  const __m256i low_bytes =
      _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12, -1,
                       -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i halves = _mm256_shuffle_epi8((__m256i)x, low_bytes);
  const __m128i bytes =
      _mm_unpacklo_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  if (count >= kLanes) return _mm_storel_epi64(reinterpret_cast<__m128i*>(p), bytes);
  uint8_t buffer[kLanes];
  _mm_storel_epi64(reinterpret_cast<__m128i*>(buffer), bytes);
  copy_first(p, buffer, count);
}
#endif

void widen(const uint8_t* from, bool is_signed, int64_t count, int16_t* to) {
  if (is_signed)
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<int8_t>(from[i]);
  else
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
}

void pack_integers(const int8_t* filter, int64_t k, int64_t n, int64_t pitch, int16_t* packed) {
  for (int64_t column = 0; column < n; column += kIntegerColumns)
    for (int64_t row = 0; row < k; row += 2)
      for (int64_t c = column; c < column + kIntegerColumns; ++c)
        for (int64_t r = row; r < row + 2; ++r)
          *packed++ = c < n && r < k ? filter[r * pitch + c] : 0;
}

/// The sums of one vector of channels of one row; `left` of them are there.
BRISK_INLINE void finish(const IntegerEpilogue& e, Lanes sum, Lanes bias, Lanes multiplier,
                         int64_t row, int64_t channel, int64_t left) {
  const int64_t at = row * e.channels + channel;
  Lanes y = (sum + bias) * multiplier;
  if (e.product_scale > 0)
    y = least(greatest(to_whole(y), fill(e.product_low)), fill(e.product_high)) *
        fill(e.product_scale);
  if (e.residual != nullptr)
    y = multiply_add(
        __builtin_convertvector(load_integers(e.residual + at, e.residual_signed, left), Lanes),
        fill(e.residual_scale), y);
  if (e.relu || e.relu6) y = relu(y);
  if (e.relu6) y = least(y, fill(e.limit));
  if (e.floats != nullptr) return store_first<StoredF32>(e.floats + at, left, y);
  y = least(greatest(to_whole(y), fill(e.low)), fill(e.high));
  store_integers(e.integers + at, left, __builtin_convertvector(y, IntLanes));
}

template <int Rows>
BRISK_INLINE void integer_tile(const int16_t* a, int64_t pairs, const int16_t* panel,
                               const IntegerEpilogue& epilogue, int64_t row, int64_t channel,
                               int64_t left) {
  IntLanes sums[Rows][kIntegerVectors] = {};
  for (int64_t step = 0; step < pairs; ++step) {
    IntLanes b[kIntegerVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kIntegerVectors; ++j)
      b[j] = *reinterpret_cast<const UnalignedIntLanes*>(panel + 2 * j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      int32_t pair;
      __builtin_memcpy(&pair, a + 2 * (i * pairs + step), sizeof(pair));
      const IntLanes x = pair - IntLanes{};
#pragma GCC unroll 4
      for (int j = 0; j < kIntegerVectors; ++j) sums[i][j] = add_pairs(sums[i][j], x, b[j]);
    }
    panel += 2 * kIntegerColumns;
  }
#pragma GCC unroll 4
  for (int j = 0; j < kIntegerVectors; ++j) {
    const int64_t c = channel + j * kLanes, here = left - j * kLanes;
    if (here <= 0) break;
    const Lanes bias = load_first<StoredF32>(epilogue.bias + c, here),
                multiplier = load_first<StoredF32>(epilogue.multiplier + c, here);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
      finish(epilogue, __builtin_convertvector(sums[i][j], Lanes), bias, multiplier, row + i, c,
             here);
  }
}

template <int Rows>
BRISK_INLINE void integer_tile_of(int64_t rows, const int16_t* a, int64_t pairs,
                                  const int16_t* panel, const IntegerEpilogue& epilogue,
                                  int64_t row, int64_t channel, int64_t left) {
  if (rows == Rows)
    integer_tile<Rows>(a, pairs, panel, epilogue, row, channel, left);
  else if constexpr (Rows > 1)
    integer_tile_of<Rows - 1>(rows, a, pairs, panel, epilogue, row, channel, left);
}

void multiply_integers(const int16_t* a, int64_t rows, int64_t pairs, const int16_t* packed,
                       int64_t first, int64_t last, int64_t n, const IntegerEpilogue& epilogue,
                       int64_t row, int64_t channel) {
  for (int64_t panel = first; panel < last; ++panel) {
    int64_t tiles = (rows + kIntegerRows - 1) / kIntegerRows;
    for (int64_t done = 0; tiles > 0; --tiles) {
      const int64_t count = (rows - done + tiles - 1) / tiles;
      integer_tile_of<kIntegerRows>(
          count, a + 2 * done * pairs, pairs, packed + 2 * panel * pairs * kIntegerColumns,
          epilogue, row + done, channel + panel * kIntegerColumns, n - panel * kIntegerColumns);
      done += count;
    }
  }
}

/// A row of results of a depthwise convolution.
struct IntegerRow {
  const ConvolutionGeometry& s;
  bool input_signed;
  const uint8_t* image;
  const float* filter;
  int64_t y;

  /// Count neighbours from x on, of the channels from c on. `Inside`: their windows are, from left
  /// to right.
  template <int Count, bool Inside>
  BRISK_INLINE void sums(int64_t x, int64_t c, Lanes (&sums)[Count]) const {
    const int64_t left = s.channels - c, first = x * s.stride_x - s.pad_x;
    for (int i = 0; i < Count; ++i) sums[i] = zero();
    for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
      const int64_t row = y * s.stride_y - s.pad_y + ky * s.dilation_y;
      if (row < 0 || row >= s.height) continue;
      const uint8_t* pixels = image + row * s.width * s.channels + c;
      for (int64_t kx = 0; kx < s.kernel_width; ++kx) {
        const Lanes weight =
            load_first<StoredF32>(filter + (ky * s.kernel_width + kx) * s.channels + c, left);
#pragma GCC unroll 4
        for (int i = 0; i < Count; ++i) {
          const int64_t column = first + i * s.stride_x + kx * s.dilation_x;
          if (!Inside && (column < 0 || column >= s.width)) continue;
          const IntLanes here = load_integers(pixels + column * s.channels, input_signed, left);
          sums[i] += __builtin_convertvector(here, Lanes) * weight;
        }
      }
    }
  }
  template <int Count, bool Inside>
  BRISK_INLINE void write(int64_t x, int64_t row, const IntegerEpilogue& epilogue) const {
    for (int64_t c = 0; c < s.channels; c += kLanes) {
      const int64_t left = s.channels - c;
      Lanes found[Count];
      sums<Count, Inside>(x, c, found);
      const Lanes bias = load_first<StoredF32>(epilogue.bias + c, left),
                  multiplier = load_first<StoredF32>(epilogue.multiplier + c, left);
      for (int i = 0; i < Count; ++i)
        finish(epilogue, found[i], bias, multiplier, row * s.result_width + x + i, c, left);
    }
  }
};

void integer_depthwise(const ConvolutionGeometry& s, const uint8_t* input, bool input_signed,
                       const float* filter, const IntegerEpilogue& epilogue, int64_t begin,
                       int64_t end) {
  constexpr int kTogether = 4;
  const int64_t reach = (s.kernel_width - 1) * s.dilation_x;
  for (int64_t row = begin; row < end; ++row) {
    const uint8_t* image = input + row / s.result_height * s.height * s.width * s.channels;
    const IntegerRow of{s, input_signed, image, filter, row % s.result_height};
    for (int64_t x = 0; x < s.result_width;) {
      const int64_t first = x * s.stride_x - s.pad_x,
                    last = first + (kTogether - 1) * s.stride_x + reach;
      if (x + kTogether <= s.result_width && first >= 0 && last < s.width) {
        of.write<kTogether, true>(x, row, epilogue);
        x += kTogether;
      } else {
        of.write<1, false>(x++, row, epilogue);
      }
    }
  }
}

constexpr IntegerLoops kIntegerLoops{.panel_columns = kIntegerColumns,
                                     .widen = widen,
                                     .pack = pack_integers,
                                     .multiply = multiply_integers,
                                     .depthwise = integer_depthwise};

}  // namespace
}  // namespace brisk::cpu
