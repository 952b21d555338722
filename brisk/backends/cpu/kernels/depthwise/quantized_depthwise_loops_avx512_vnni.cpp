#include <immintrin.h>

#include "brisk/backends/cpu/kernels/depthwise/quantized_depthwise_loops.h"
#include "brisk/backends/cpu/kernels/lanes.h"

// The rows that a row of results reads are interleaved into the scratch, with their padding, for
// one block of channels; so the loop over results knows of no edges. What a signed input lacks to
// an unsigned one, which the instruction wants on its left, is added to its bytes and taken off the
// sums' start.

namespace brisk::cpu {
namespace {

constexpr uint8_t kOffset = 0x80;

/// 64 channels in four registers of 16 sums each.
struct WideBlock {
  static constexpr int64_t kChannels = kWideBlock;
  using Bytes = __m512i;
  using Floats = __m512;
  static BRISK_INLINE Bytes load(const void* p) { return _mm512_loadu_si512(p); }
  static BRISK_INLINE Bytes load_first(const void* p, int64_t count) {
    return _mm512_maskz_loadu_epi8((uint64_t{1} << count) - 1, p);
  }
  static BRISK_INLINE void store(void* p, Bytes x) { _mm512_storeu_si512(p, x); }
  static BRISK_INLINE void store_first(void* p, int64_t count, Bytes x) {
    _mm512_mask_storeu_epi8(p, (uint64_t{1} << count) - 1, x);
  }
  static BRISK_INLINE Floats load_floats(const float* p) { return _mm512_loadu_ps(p); }
  static BRISK_INLINE Floats fill(float x) { return _mm512_set1_ps(x); }
  static BRISK_INLINE Bytes fill_bytes(uint8_t x) { return _mm512_set1_epi8(static_cast<char>(x)); }
  static BRISK_INLINE Bytes exclusive_or(Bytes a, Bytes b) { return _mm512_xor_si512(a, b); }
  static BRISK_INLINE Bytes low_bytes(Bytes a, Bytes b) { return _mm512_unpacklo_epi8(a, b); }
  static BRISK_INLINE Bytes high_bytes(Bytes a, Bytes b) { return _mm512_unpackhi_epi8(a, b); }
  static BRISK_INLINE Bytes low_words(Bytes a, Bytes b) { return _mm512_unpacklo_epi16(a, b); }
  static BRISK_INLINE Bytes high_words(Bytes a, Bytes b) { return _mm512_unpackhi_epi16(a, b); }
  static BRISK_INLINE Bytes add_products(Bytes sum, Bytes a, Bytes b) {
    return _mm512_dpbusd_epi32(sum, a, b);
  }
  static BRISK_INLINE Floats to_floats(Bytes sum) { return _mm512_cvtepi32_ps(sum); }
  static BRISK_INLINE Bytes to_integers(Floats x) { return _mm512_cvtps_epi32(x); }
  static BRISK_INLINE Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static BRISK_INLINE Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static BRISK_INLINE Floats clamp(Floats x, Floats low, Floats high) {
    return _mm512_min_ps(_mm512_max_ps(x, low), high);
  }
  static BRISK_INLINE Bytes words(Bytes a, Bytes b) { return _mm512_packs_epi32(a, b); }
  static BRISK_INLINE Bytes signed_bytes(Bytes a, Bytes b) { return _mm512_packs_epi16(a, b); }
  static BRISK_INLINE Bytes unsigned_bytes(Bytes a, Bytes b) { return _mm512_packus_epi16(a, b); }
};

/// 32 channels in four registers of 8 sums each.
struct NarrowBlock {
  static constexpr int64_t kChannels = kNarrowBlock;
  using Bytes = __m256i;
  using Floats = __m256;
  static BRISK_INLINE Bytes load(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }
  static BRISK_INLINE Bytes load_first(const void* p, int64_t count) {
    return _mm256_maskz_loadu_epi8(static_cast<uint32_t>((uint64_t{1} << count) - 1), p);
  }
  static BRISK_INLINE void store(void* p, Bytes x) {
    _mm256_storeu_si256(static_cast<__m256i*>(p), x);
  }
  static BRISK_INLINE void store_first(void* p, int64_t count, Bytes x) {
    _mm256_mask_storeu_epi8(p, static_cast<uint32_t>((uint64_t{1} << count) - 1), x);
  }
  static BRISK_INLINE Floats load_floats(const float* p) { return _mm256_loadu_ps(p); }
  static BRISK_INLINE Floats fill(float x) { return _mm256_set1_ps(x); }
  static BRISK_INLINE Bytes fill_bytes(uint8_t x) { return _mm256_set1_epi8(static_cast<char>(x)); }
  static BRISK_INLINE Bytes exclusive_or(Bytes a, Bytes b) { return _mm256_xor_si256(a, b); }
  static BRISK_INLINE Bytes low_bytes(Bytes a, Bytes b) { return _mm256_unpacklo_epi8(a, b); }
  static BRISK_INLINE Bytes high_bytes(Bytes a, Bytes b) { return _mm256_unpackhi_epi8(a, b); }
  static BRISK_INLINE Bytes low_words(Bytes a, Bytes b) { return _mm256_unpacklo_epi16(a, b); }
  static BRISK_INLINE Bytes high_words(Bytes a, Bytes b) { return _mm256_unpackhi_epi16(a, b); }
  static BRISK_INLINE Bytes add_products(Bytes sum, Bytes a, Bytes b) {
    return _mm256_dpbusd_epi32(sum, a, b);
  }
  static BRISK_INLINE Floats to_floats(Bytes sum) { return _mm256_cvtepi32_ps(sum); }
  static BRISK_INLINE Bytes to_integers(Floats x) { return _mm256_cvtps_epi32(x); }
  static BRISK_INLINE Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static BRISK_INLINE Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static BRISK_INLINE Floats clamp(Floats x, Floats low, Floats high) {
    return _mm256_min_ps(_mm256_max_ps(x, low), high);
  }
  static BRISK_INLINE Bytes words(Bytes a, Bytes b) { return _mm256_packs_epi32(a, b); }
  static BRISK_INLINE Bytes signed_bytes(Bytes a, Bytes b) { return _mm256_packs_epi16(a, b); }
  static BRISK_INLINE Bytes unsigned_bytes(Bytes a, Bytes b) { return _mm256_packus_epi16(a, b); }
};

/// One row of results, and one block of its channels.
struct BlockOfRow {
  const uint8_t* image;  ///< the input's, from the block's first channel on
  int64_t y;             ///< the row
  int64_t count;         ///< channels that are there
  const int8_t* taps;
  const int32_t* start;
  const float *bias, *multiplier;
  uint8_t* result;  ///< of the row, from the block's first channel on
};

template <typename Block, bool Whole>
void interleave(const QuantizedDepthwiseShape& s, const BlockOfRow& row, std::byte* to) {
  const auto padding = Block::fill_bytes(s.signed_input ? kOffset : 0);
  const auto offset = padding;
  const int64_t groups = s.row_groups(), step = groups * 4 * Block::kChannels;
  const int64_t first = s.pad_x, last = s.pad_x + s.width;  // columns of the image
  for (int64_t group = 0; group < groups; ++group) {
    std::byte* column = to + group * 4 * Block::kChannels;
    const uint8_t* lines[4];
    for (int64_t r = 0; r < 4; ++r) {
      const int64_t ky = group * 4 + r, y = row.y * s.stride_y - s.pad_y + ky;
      const bool inside = ky < s.kernel_height && y >= 0 && y < s.height;
      lines[r] = inside ? row.image + y * s.width * s.channels : nullptr;
    }
    for (int64_t x = 0; x < s.columns(); ++x, column += step) {
      if (x < first || x >= last) {
        for (int64_t q = 0; q < 4; ++q) Block::store(column + q * Block::kChannels, padding);
        continue;
      }
      const int64_t at = (x - first) * s.channels;
      const auto line = [&](int64_t r) {
        if (lines[r] == nullptr) return padding;
        return Block::exclusive_or(
            Whole ? Block::load(lines[r] + at) : Block::load_first(lines[r] + at, row.count),
            offset);
      };
      const auto a = line(0), b = line(1), c = line(2), d = line(3);
      const auto low_ab = Block::low_bytes(a, b), high_ab = Block::high_bytes(a, b);
      const auto low_cd = Block::low_bytes(c, d), high_cd = Block::high_bytes(c, d);
      Block::store(column, Block::low_words(low_ab, low_cd));
      Block::store(column + Block::kChannels, Block::high_words(low_ab, low_cd));
      Block::store(column + 2 * Block::kChannels, Block::low_words(high_ab, high_cd));
      Block::store(column + 3 * Block::kChannels, Block::high_words(high_ab, high_cd));
    }
  }
}

/// Results of the row; `Taps` columns of four rows each, 0: as many as there are.
template <typename Block, bool Whole, int Taps>
void multiply_row(const QuantizedDepthwiseShape& s, const BlockOfRow& row, const std::byte* from) {
  constexpr int64_t kTap = 4 * Block::kChannels;
  using Bytes = typename Block::Bytes;
  const int64_t groups = s.row_groups(), taps = s.kernel_width * groups;
  const auto low = Block::fill(s.low), high = Block::fill(s.high);
  Bytes kept[Taps == 0 ? 1 : Taps][4];
  if constexpr (Taps > 0)
    for (int t = 0; t < Taps; ++t)
      for (int q = 0; q < 4; ++q)
        kept[t][q] = Block::load(row.taps + t * kTap + q * Block::kChannels);
  uint8_t* result = row.result;
  for (int64_t x = 0; x < s.result_width; ++x, from += s.stride_x * groups * kTap) {
    Bytes sums[4];
    for (int q = 0; q < 4; ++q) sums[q] = Block::load(row.start + q * (Block::kChannels / 4));
    if constexpr (Taps > 0) {
#pragma GCC unroll 4
      for (int t = 0; t < Taps; ++t)
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q)
          sums[q] = Block::add_products(
              sums[q], Block::load(from + t * kTap + q * Block::kChannels), kept[t][q]);
    } else {
      for (int64_t t = 0; t < taps; ++t)
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q)
          sums[q] =
              Block::add_products(sums[q], Block::load(from + t * kTap + q * Block::kChannels),
                                  Block::load(row.taps + t * kTap + q * Block::kChannels));
    }
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const int64_t at = q * (Block::kChannels / 4);
      const auto y =
          Block::multiply(Block::add(Block::to_floats(sums[q]), Block::load_floats(row.bias + at)),
                          Block::load_floats(row.multiplier + at));
      sums[q] = Block::to_integers(Block::clamp(y, low, high));
    }
    const Bytes first = Block::words(sums[0], sums[1]), second = Block::words(sums[2], sums[3]);
    const Bytes bytes =
        s.signed_result ? Block::signed_bytes(first, second) : Block::unsigned_bytes(first, second);
    if constexpr (Whole)
      Block::store(result, bytes);
    else
      Block::store_first(result, row.count, bytes);
    result += s.channels;
  }
}

template <typename Block, bool Whole>
void block_of_row(const QuantizedDepthwiseShape& s, const BlockOfRow& row, std::byte* scratch) {
  interleave<Block, Whole>(s, row, scratch);
  if (s.kernel_width * s.row_groups() == 3)
    multiply_row<Block, Whole, 3>(s, row, scratch);
  else
    multiply_row<Block, Whole, 0>(s, row, scratch);
}

void quantized_depthwise_rows(const QuantizedDepthwiseShape& s, const uint8_t* input,
                              const QuantizedDepthwiseWeights& weights, int64_t begin, int64_t end,
                              std::byte* scratch, uint8_t* result) {
  const int64_t taps = s.kernel_width * s.row_groups() * 4;
  for (int64_t number = begin; number < end; ++number)
    for (int64_t c = 0; c < s.channels; c += kWideBlock) {
      const int64_t left = s.channels - c;
      const BlockOfRow row{
          .image = input + number / s.result_height * s.height * s.width * s.channels + c,
          .y = number % s.result_height,
          .count = left,
          .taps = weights.taps + c * taps,
          .start = weights.start + c,
          .bias = weights.bias + c,
          .multiplier = weights.multiplier + c,
          .result = result + number * s.result_width * s.channels + c};
      if (left >= kWideBlock)
        block_of_row<WideBlock, true>(s, row, scratch);
      else if (left > kNarrowBlock)
        block_of_row<WideBlock, false>(s, row, scratch);
      else if (left == kNarrowBlock)
        block_of_row<NarrowBlock, true>(s, row, scratch);
      else
        block_of_row<NarrowBlock, false>(s, row, scratch);
    }
}

}  // namespace

extern const QuantizedDepthwiseRows quantized_depthwise_rows_avx512_vnni;
const QuantizedDepthwiseRows quantized_depthwise_rows_avx512_vnni = quantized_depthwise_rows;

}  // namespace brisk::cpu
