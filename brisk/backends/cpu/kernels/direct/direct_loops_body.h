#pragma once

// The loops of direct_loops.h, compiled once for each instruction set.
//
// With few channels, the taps and channels of one tap row are consecutive numbers of an input row:
// a convolution row is a sum of kernel_height products of a matrix [result_width, kernel_width *
// channels] whose rows overlap (stride_x * channels apart) with the filter's rows.

#include "brisk/backends/cpu/kernels/direct/direct_loops.h"
#include "brisk/backends/cpu/kernels/product.h"
#include "brisk/backends/cpu/kernels/stored_lanes.h"

namespace brisk::cpu {
namespace {

int64_t padded_filters(int64_t filters) {
  return (filters + kLanes - 1) / kLanes * kLanes;
}

/// Columns of the panel that begins at `column`. Wide panels with fewer rows need fewer broadcasts
/// for the same sums, where there are registers for them.
constexpr int kWideVectors = kRegisters == 32 ? 4 : kTileVectors;
inline int64_t panel_columns(int64_t column, int64_t filters) {
  const int64_t left = padded_filters(filters) - column;
  if (left >= kWideVectors * kLanes) return kWideVectors * kLanes;
  return left >= kTileColumns ? kTileColumns : kLanes;
}

/// [taps, filters] to panels [taps, columns], zeros beyond the filters.
void pack_filter(const float* filter, int64_t taps, int64_t filters, float* packed) {
  for (int64_t column = 0; column < filters;) {
    const int64_t columns = panel_columns(column, filters);
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t f = 0; f < columns; ++f)
        *packed++ = column + f < filters ? filter[tap * filters + column + f] : 0;
    column += columns;
  }
}

template <int Rows, int Vectors>
BRISK_INLINE void forward_tile(const DirectShape& s, const float* const* rows, int64_t x,
                               const float* panel, int64_t column, const DirectEpilogue& epilogue,
                               float* result) {
  Lanes sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) sums[i][j] = zero();
  const int64_t steps = s.kernel_width * s.channels, pitch = s.stride_x * s.channels;
  for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
    if (rows[ky] == nullptr) continue;
    const float* a = rows[ky] + x * pitch;
    const float* b = panel + ky * steps * Vectors * kLanes;
    for (int64_t step = 0; step < steps; ++step, ++a, b += Vectors * kLanes) {
      Lanes row[Vectors];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) row[j] = load(b + j * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < Vectors; ++j) sums[i][j] += a[i * pitch] * row[j];
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < Vectors; ++j) {
    const int64_t f = column + j * kLanes, left = s.filters - f;
    const Lanes bias =
        epilogue.bias != nullptr ? load_first<StoredF32>(epilogue.bias + f, left) : zero();
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const int64_t at = (x + i) * s.filters + f;
      Lanes value = sums[i][j] + bias;
      if (epilogue.residual != nullptr)
        value += load_first<StoredF32>(epilogue.residual + at, left);
      store_first<StoredF32>(result + at, left, activated(value, epilogue.relu, epilogue.relu6));
    }
  }
}

template <int Rows, int Vectors>
BRISK_INLINE void forward_tile_of(int64_t count, const DirectShape& s, const float* const* rows,
                                  int64_t x, const float* panel, int64_t column,
                                  const DirectEpilogue& epilogue, float* result) {
  if (count == Rows)
    forward_tile<Rows, Vectors>(s, rows, x, panel, column, epilogue, result);
  else if constexpr (Rows > 1)
    forward_tile_of<Rows - 1, Vectors>(count, s, rows, x, panel, column, epilogue, result);
}

template <int Vectors>
void forward_panel(const DirectShape& s, const float* const* rows, const float* panel,
                   int64_t column, const DirectEpilogue& epilogue, float* result) {
  constexpr int kRows = Vectors > kTileVectors ? kTileRows * kTileVectors / Vectors : kTileRows;
  int64_t tiles = (s.result_width + kRows - 1) / kRows;
  for (int64_t x = 0; tiles > 0; --tiles) {
    const int64_t count = (s.result_width - x + tiles - 1) / tiles;
    forward_tile_of<kRows, Vectors>(count, s, rows, x, panel, column, epilogue, result);
    x += count;
  }
}

void forward_row(const DirectShape& s, const float* const* rows, const float* packed,
                 const DirectEpilogue& epilogue, float* result) {
  const int64_t taps = s.kernel_height * s.kernel_width * s.channels;
  for (int64_t column = 0; column < s.filters;) {
    const int64_t columns = panel_columns(column, s.filters);
    if (columns == kWideVectors * kLanes)
      forward_panel<kWideVectors>(s, rows, packed, column, epilogue, result);
    else if (columns == kTileColumns)
      forward_panel<kTileVectors>(s, rows, packed, column, epilogue, result);
    else
      forward_panel<1>(s, rows, packed, column, epilogue, result);
    packed += taps * columns;
    column += columns;
  }
}

/// 3 x 3 taps of one channel: all nine sums of a panel stay in registers, so that the row of the
/// gradient is read once and not once per tap row.
template <int Vectors>
BRISK_INLINE void filter_gradient_of_nine(const float* const* rows, int64_t stride, int64_t width,
                                          const float* gradient, int64_t pitch, float* sums,
                                          int64_t sums_pitch) {
  Lanes s[9][Vectors];
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) s[t][j] = load(sums + t * sums_pitch + j * kLanes);
  const float *r0 = rows[0], *r1 = rows[1], *r2 = rows[2];
  for (int64_t x = 0; x < width; ++x) {
    Lanes g[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) g[j] = load(gradient + j * kLanes);
#pragma GCC unroll 3
    for (int t = 0; t < 3; ++t)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) {
        s[t][j] += r0[t] * g[j];
        s[3 + t][j] += r1[t] * g[j];
        s[6 + t][j] += r2[t] * g[j];
      }
    r0 += stride, r1 += stride, r2 += stride, gradient += pitch;
  }
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) store(sums + t * sums_pitch + j * kLanes, s[t][j]);
}

template <int Vectors>
void filter_gradient_panel(const DirectShape& s, const float* const* rows, const float* gradient,
                           int64_t pitch, float* sums, int64_t sums_pitch) {
  const int64_t steps = s.kernel_width * s.channels;
  // AVX2 has too few registers for nine pairs of sums.
  if (kRegisters == 32 && steps == 3 && s.kernel_height == 3 && rows[0] != nullptr &&
      rows[1] != nullptr && rows[2] != nullptr)
    return filter_gradient_of_nine<Vectors>(rows, s.stride_x * s.channels, s.result_width, gradient,
                                            pitch, sums, sums_pitch);
  for (int64_t ky = 0; ky < s.kernel_height; ++ky)
    if (rows[ky] != nullptr)
      product_panel<Vectors, true, true>(steps, {.a = rows[ky],
                                                 .a_pitch = s.stride_x * s.channels,
                                                 .b = gradient,
                                                 .b_pitch = pitch,
                                                 .c = sums + ky * steps * sums_pitch,
                                                 .c_pitch = sums_pitch,
                                                 .k = s.result_width});
}

void filter_gradient_row(const DirectShape& s, const float* const* rows, const float* gradient,
                         float* edge, float* sums) {
  const int64_t pitch = padded_filters(s.filters);
  for (int64_t column = 0; column < s.filters;) {
    const int64_t left = s.filters - column;
    if (left >= kTileColumns) {
      filter_gradient_panel<kTileVectors>(s, rows, gradient + column, s.filters, sums + column,
                                          pitch);
      column += kTileColumns;
    } else if (left >= kLanes) {
      filter_gradient_panel<1>(s, rows, gradient + column, s.filters, sums + column, pitch);
      column += kLanes;
    } else {
      for (int64_t x = 0; x < s.result_width; ++x)
        store(edge + x * kLanes, load_first<StoredF32>(gradient + x * s.filters + column, left));
      filter_gradient_panel<1>(s, rows, edge, kLanes, sums + column, pitch);
      column += left;
    }
  }
}

constexpr DirectLoops kDirectLoops{.padded_filters = padded_filters,
                                   .pack_filter = pack_filter,
                                   .forward_row = forward_row,
                                   .filter_gradient_row = filter_gradient_row,
                                   .lanes = kLanes};

}  // namespace
}  // namespace brisk::cpu
