#pragma once

// The loops of i32_loops.h, compiled once for each instruction set. A tile of sums, some places
// of a row times some vectors of filters, stays in registers while the channels of a window's place
// go by; at the edges of the image places go one by one.

#include "brisk/backends/cpu/kernels/i32/i32_loops.h"
#include "brisk/backends/cpu/kernels/lanes.h"

namespace brisk::cpu {
namespace {

constexpr int kTileVectors = 4;
constexpr int kTilePlaces = kRegisters == 32 ? 6 : 2;

/// Unsigned: sums wrap.
typedef uint32_t WordLanes __attribute__((vector_size(4 * kLanes)));
typedef uint32_t UnalignedWordLanes __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

BRISK_INLINE WordLanes load_words(const uint32_t* p) {
  return *reinterpret_cast<const UnalignedWordLanes*>(p);
}
BRISK_INLINE void store_words(uint32_t* p, WordLanes x) {
  *reinterpret_cast<UnalignedWordLanes*>(p) = x;
}

/// sums += channels of `Places` places, `step` apart, times filters `pitch` apart.
template <int Places, int Vectors>
BRISK_INLINE void add_place(const uint32_t* x, int64_t step, const uint32_t* w, int64_t pitch,
                            int64_t channels, WordLanes (*sums)[Vectors]) {
  WordLanes tile[Places][Vectors];
#pragma GCC unroll 8
  for (int i = 0; i < Places; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) tile[i][j] = sums[i][j];
  for (int64_t c = 0; c < channels; ++c, w += pitch) {
    WordLanes weights[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) weights[j] = load_words(w + j * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < Places; ++i) {
      const uint32_t value = x[i * step + c];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) tile[i][j] += value * weights[j];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < Places; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) sums[i][j] = tile[i][j];
}

/// The operands of a group's filters: the image from the group's first channel on.
struct GroupOperands {
  const uint32_t* image;
  const uint32_t* filter;
  const uint32_t* bias;  ///< or null
  uint32_t* result;      ///< of the row
};

/// Vectors * kLanes filters of `places` places of a row, from x on; at most kTilePlaces.
template <int Vectors>
BRISK_INLINE void tile(const I32Shape& s, const GroupOperands& at, int64_t y, int64_t x,
                       int64_t places) {
  const int64_t channels = s.groups * s.group_channels, pitch = s.groups * s.group_filters;
  WordLanes sums[kTilePlaces][Vectors];
  for (int i = 0; i < kTilePlaces; ++i)
    for (int j = 0; j < Vectors; ++j)
      sums[i][j] = at.bias == nullptr ? WordLanes{} : load_words(at.bias + j * kLanes);
  for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
    const int64_t from_y = y * s.stride_y - s.pad_y + ky * s.dilation_y;
    if (from_y < 0 || from_y >= s.height) continue;
    for (int64_t kx = 0; kx < s.kernel_width; ++kx) {
      const int64_t first = x * s.stride_x - s.pad_x + kx * s.dilation_x;
      const int64_t last = first + (places - 1) * s.stride_x;
      const uint32_t* from = at.image + (from_y * s.width + first) * channels;
      const uint32_t* w = at.filter + (ky * s.kernel_width + kx) * s.group_channels * pitch;
      const int64_t step = s.stride_x * channels;
      if (places == kTilePlaces && first >= 0 && last < s.width) {
        add_place<kTilePlaces, Vectors>(from, step, w, pitch, s.group_channels, sums);
        continue;
      }
      for (int64_t i = 0; i < places; ++i)
        if (first + i * s.stride_x >= 0 && first + i * s.stride_x < s.width)
          add_place<1, Vectors>(from + i * step, step, w, pitch, s.group_channels, sums + i);
    }
  }
  for (int64_t i = 0; i < places; ++i)
    for (int j = 0; j < Vectors; ++j)
      store_words(at.result + (x + i) * pitch + j * kLanes, sums[i][j]);
}

template <int Vectors>
void tiles_of_row(const I32Shape& s, const GroupOperands& at, int64_t y) {
  for (int64_t x = 0; x < s.result_width; x += kTilePlaces) {
    const int64_t left = s.result_width - x;
    tile<Vectors>(s, at, y, x, left < kTilePlaces ? left : kTilePlaces);
  }
}

/// Fewer filters than a vector has, or any number of channels with one filter each.
template <bool OneFilterEach>
void remaining_of_row(const I32Shape& s, const GroupOperands& at, int64_t y, int64_t count) {
  const int64_t channels = s.groups * s.group_channels, pitch = s.groups * s.group_filters;
  for (int64_t x = 0; x < s.result_width; ++x) {
    uint32_t* sums = at.result + x * pitch;
    for (int64_t f = 0; f < count; ++f) sums[f] = at.bias == nullptr ? 0 : at.bias[f];
    for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
      const int64_t from_y = y * s.stride_y - s.pad_y + ky * s.dilation_y;
      if (from_y < 0 || from_y >= s.height) continue;
      for (int64_t kx = 0; kx < s.kernel_width; ++kx) {
        const int64_t from_x = x * s.stride_x - s.pad_x + kx * s.dilation_x;
        if (from_x < 0 || from_x >= s.width) continue;
        const uint32_t* from = at.image + (from_y * s.width + from_x) * channels;
        const uint32_t* w = at.filter + (ky * s.kernel_width + kx) * s.group_channels * pitch;
        if (OneFilterEach) {
          for (int64_t c = 0; c < count; ++c) sums[c] += from[c] * w[c];
          continue;
        }
        for (int64_t c = 0; c < s.group_channels; ++c, w += pitch)
          for (int64_t f = 0; f < count; ++f) sums[f] += from[c] * w[f];
      }
    }
  }
}

void i32_rows(const I32Shape& s, const int32_t* input, const int32_t* filter, const int32_t* bias,
              int64_t begin, int64_t end, int32_t* result) {
  const int64_t channels = s.groups * s.group_channels, filters = s.groups * s.group_filters;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t y = row % s.result_height;
    const auto operands = [&](int64_t channel, int64_t first) {
      return GroupOperands{
          reinterpret_cast<const uint32_t*>(input) +
              row / s.result_height * s.height * s.width * channels + channel,
          reinterpret_cast<const uint32_t*>(filter) + first,
          bias == nullptr ? nullptr : reinterpret_cast<const uint32_t*>(bias) + first,
          reinterpret_cast<uint32_t*>(result) + row * s.result_width * filters + first};
    };
    if (s.group_channels == 1 && s.group_filters == 1) {
      remaining_of_row<true>(s, operands(0, 0), y, channels);
      continue;
    }
    for (int64_t group = 0; group < s.groups; ++group) {
      int64_t f = group * s.group_filters;
      const int64_t channel = group * s.group_channels, last = f + s.group_filters;
      for (; f + kTileVectors * kLanes <= last; f += kTileVectors * kLanes)
        tiles_of_row<kTileVectors>(s, operands(channel, f), y);
      for (; f + kLanes <= last; f += kLanes) tiles_of_row<1>(s, operands(channel, f), y);
      if (f < last) remaining_of_row<false>(s, operands(channel, f), y, last - f);
    }
  }
}

}  // namespace
}  // namespace brisk::cpu
