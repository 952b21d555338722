#pragma once

// Register-blocked products of row-major matrices: C [m, n] (+)= A [m, k] B [k, n].
//
// A tile of up to kTileRows x (kTileVectors * kLanes) of C stays in registers while k runs, fed by
// one broadcast of A and the loads of B's row. Rows are dealt out evenly to tiles, because a tile
// of one or two rows waits for its own sums. See lanes.h for why everything is internal.

#include "brisk/backends/cpu/kernels/lanes.h"

namespace brisk::cpu {
namespace {

constexpr int kTileVectors = 2;
constexpr int kTileColumns = kTileVectors * kLanes;
constexpr int kTileRows = kRegisters == 32 ? 12 : 6;

struct ProductOperands {
  const float* a;
  int64_t a_pitch;
  const float* b;
  int64_t b_pitch;
  float* c;
  int64_t c_pitch;
  int64_t k;
};

/// `TransposedA`: A is stored [k, m]. `Accumulate`: adds to C instead of replacing it.
template <int Rows, int Vectors, bool TransposedA, bool Accumulate>
BRISK_INLINE void product_tile(const ProductOperands& p) {
  Lanes sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j)
      sums[i][j] = Accumulate ? load(p.c + i * p.c_pitch + j * kLanes) : zero();
  const float* a = p.a;
  const float* b = p.b;
  for (int64_t step = 0; step < p.k; ++step) {
    Lanes row[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) row[j] = load(b + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const float x = TransposedA ? a[i] : a[i * p.a_pitch];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) sums[i][j] += x * row[j];
    }
    a += TransposedA ? p.a_pitch : 1;
    b += p.b_pitch;
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) store(p.c + i * p.c_pitch + j * kLanes, sums[i][j]);
}

template <int Rows, int Vectors, bool TransposedA, bool Accumulate>
BRISK_INLINE void product_tile_of(int64_t rows, const ProductOperands& p) {
  if (rows == Rows)
    product_tile<Rows, Vectors, TransposedA, Accumulate>(p);
  else if constexpr (Rows > 1)
    product_tile_of<Rows - 1, Vectors, TransposedA, Accumulate>(rows, p);
}

/// All `m` rows of one panel of Vectors * kLanes columns.
template <int Vectors, bool TransposedA, bool Accumulate>
void product_panel(int64_t m, ProductOperands p) {
  int64_t tiles = (m + kTileRows - 1) / kTileRows;
  for (int64_t left = m; tiles > 0; --tiles) {
    const int64_t rows = (left + tiles - 1) / tiles;
    product_tile_of<kTileRows, Vectors, TransposedA, Accumulate>(rows, p);
    p.a += TransposedA ? rows : rows * p.a_pitch;
    p.c += rows * p.c_pitch;
    left -= rows;
  }
}

/// All of C where n is a multiple of kLanes and B lies as it is (not in panels).
template <bool TransposedA, bool Accumulate>
void product(int64_t m, int64_t n, ProductOperands p) {
  for (int64_t column = 0; column < n;) {
    if (n - column >= kTileColumns) {
      product_panel<kTileVectors, TransposedA, Accumulate>(m, p);
      column += kTileColumns, p.b += kTileColumns, p.c += kTileColumns;
    } else {
      product_panel<1, TransposedA, Accumulate>(m, p);
      column += kLanes, p.b += kLanes, p.c += kLanes;
    }
  }
}

}  // namespace
}  // namespace brisk::cpu
