#pragma once

// Where a tile's points lie in the transformed tensors.
//
// Tiles of 2 results lack the points 3 and 4 (2 and -2) of that direction, so these points hold
// fewer tiles: those of full rows or columns only. A point's tiles are numbered without gaps, which
// is what the products run over. Internal for the reason given in lanes.h.

#include "brisk/backends/cpu/kernels/lanes.h"
#include "brisk/backends/cpu/kernels/winograd/transforms.h"
#include "brisk/backends/cpu/kernels/winograd/winograd_loops.h"

namespace brisk::cpu {
namespace {

/// Whether only full tiles have this point.
constexpr int of_full_tiles(int i) {
  return i == 3 || i == 4;
}

inline int64_t full_columns(const WinogradShape& s) {
  return s.tiles_across - (s.short_last_column ? 1 : 0);
}
inline int64_t full_rows(const WinogradShape& s, TileRows rows) {
  if (!s.short_last_row) return rows.count;
  return rows.count - ((rows.first + rows.count) / s.rows_down - rows.first / s.rows_down);
}
/// How many of the tiles in `rows` have point [y, x].
inline int64_t tiles_with_point(const WinogradShape& s, TileRows rows, int point) {
  return (of_full_tiles(point / 6) ? full_rows(s, rows) : rows.count) *
         (of_full_tiles(point % 6) ? full_columns(s) : s.tiles_across);
}

struct Tile {
  int64_t image, down, across;
  int64_t number[2][2];  ///< among the tiles with a point, by of_full_tiles in y and x
};

/// Calls f.operator()<Height, Width>(tile), sizes in points.
template <typename F>
BRISK_INLINE void for_each_tile(const WinogradShape& s, TileRows rows, F&& f) {
  const int64_t full_across = full_columns(s);
  int64_t full = full_rows(s, {rows.first - rows.skipped, rows.skipped});
  for (int64_t row = 0; row < rows.count; ++row) {
    Tile tile;
    tile.image = (rows.first + row) / s.rows_down;
    tile.down = (rows.first + row) % s.rows_down;
    const bool is_short = s.short_last_row && tile.down == s.rows_down - 1;
    for (int64_t x = 0; x < s.tiles_across; ++x) {
      tile.across = x;
      tile.number[0][0] = (rows.skipped + row) * s.tiles_across + x;
      tile.number[0][1] = (rows.skipped + row) * full_across + x;
      tile.number[1][0] = full * s.tiles_across + x;
      tile.number[1][1] = full * full_across + x;
      const bool is_narrow = x == full_across;
      if (is_short)
        is_narrow ? f.template operator()<4, 4>(tile) : f.template operator()<4, 6>(tile);
      else
        is_narrow ? f.template operator()<6, 4>(tile) : f.template operator()<6, 6>(tile);
    }
    full += is_short ? 0 : 1;
  }
}

/// The points of one tile: `at<Height, Width>(y, x)` is where point (y, x)'s first channel lies.
template <typename Float>
struct TilePoints {
  Float* base[2][2];
  int64_t point_floats;

  TilePoints(const Tile& tile, Float* tensor, int64_t pitch, int64_t point) : point_floats(point) {
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < 2; ++x) base[y][x] = tensor + tile.number[y][x] * pitch;
  }
  template <int Height, int Width>
  BRISK_INLINE Float* at(int y, int x) const {
    const int py = point_of<Height>(y), px = point_of<Width>(x);
    return base[of_full_tiles(py)][of_full_tiles(px)] + (py * 6 + px) * point_floats;
  }
};

}  // namespace
}  // namespace brisk::cpu
