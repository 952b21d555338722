#pragma once

// The loops of winograd_loops.h, compiled once for each instruction set.

#include "brisk/backends/cpu/kernels/product.h"
#include "brisk/backends/cpu/kernels/transpose_lanes.h"
#include "brisk/backends/cpu/kernels/winograd/tiles.h"

namespace brisk::cpu {
namespace {

/// Calls body(y) for y in [0, N), unrolled.
template <int N, typename F>
BRISK_INLINE void unrolled(F&& body) {
#pragma GCC unroll 6
  for (int i = 0; i < N; ++i) body(i);
}

// ---- filters --------------------------------------------------------------------------------

/// 36 points of one vector of filters; taps are `tap_floats` apart (negative: read backwards).
BRISK_INLINE void filter_points(const float* first_tap, int64_t tap_floats, Lanes (&u)[6][6]) {
  Lanes rows[6][3];
  unrolled<3>([&](int x) {
    Lanes g[3], t[6];
    unrolled<3>([&](int y) { g[y] = load(first_tap + (3 * y + x) * tap_floats); });
    transform_taps(g, t);
    unrolled<6>([&](int y) { rows[y][x] = t[y]; });
  });
  unrolled<6>([&](int y) { transform_taps(rows[y], u[y]); });
}

/// Where column `column` of [panels][depth][panel columns] begins, for depth 0, when the panels
/// hold the columns `held`; the last panel may be narrow.
struct Panel {
  int64_t offset, columns, end;
};
inline Panel panel_of(int64_t column, ColumnRange held, int64_t depth) {
  const int64_t first = held.begin + (column - held.begin) / kTileColumns * kTileColumns;
  const int64_t left = held.end - first, columns = left < kTileColumns ? left : kTileColumns;
  return {(first - held.begin) * depth + (column - first), columns, first + columns};
}

void transform_filter(const float* w, int64_t channels, int64_t filters, ColumnRange held,
                      ColumnRange part, float* u, int64_t u_point) {
  // Both vectors of a panel's row together, so that whole rows of w and of u are touched at once.
  for (int64_t first = part.begin, count = 0; first < part.end; first += count) {
    const Panel panel = panel_of(first, held, channels);
    count = (panel.end < part.end ? panel.end : part.end) - first;
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t column = 0; column < count; column += kLanes) {
        Lanes points[6][6];
        filter_points(w + c * filters + first + column, channels * filters, points);
        float* to = u + panel.offset + c * panel.columns + column;
        for (int p = 0; p < kWinogradPoints; ++p) store(to + p * u_point, points[p / 6][p % 6]);
      }
  }
}

void transform_filter_exchanged(const float* w, int64_t channels, int64_t filters, ColumnRange held,
                                ColumnRange part, bool flip, float* u, int64_t u_point) {
  const int64_t tap_floats = channels * filters;
  const float* first_tap = flip ? w + 8 * tap_floats : w;
  for (int64_t c = part.begin; c < part.end; c += kLanes) {
    const Panel panel = panel_of(c, held, filters);
    for (int64_t f = 0; f < filters; f += kLanes) {
      Lanes block[kWinogradPoints][kLanes];  // [point][channel][filter]
      for (int64_t i = 0; i < kLanes; ++i) {
        Lanes points[6][6];
        filter_points(first_tap + (c + i) * filters + f, flip ? -tap_floats : tap_floats, points);
        for (int p = 0; p < kWinogradPoints; ++p) block[p][i] = points[p / 6][p % 6];
      }
      for (int p = 0; p < kWinogradPoints; ++p) {
        transpose_lanes(block[p]);
        float* to = u + p * u_point + panel.offset + f * panel.columns;
        for (int64_t i = 0; i < kLanes; ++i) store(to + i * panel.columns, block[p][i]);
      }
    }
  }
}

void restore_filter(const float* du, int64_t parts, int64_t part_floats, int64_t channels,
                    int64_t filters, int64_t begin, int64_t end, float* dw) {
  const int64_t point_floats = channels * filters;
  for (int64_t at = begin * filters; at < end * filters; at += kLanes) {
    Lanes rows[3][6];
    unrolled<6>([&](int x) {
      Lanes u[6], g[3];
      unrolled<6>([&](int y) {
        const float* from = du + (y * 6 + x) * point_floats + at;
        u[y] = load(from);
        for (int64_t part = 1; part < parts; ++part) u[y] += load(from + part * part_floats);
      });
      transform_taps_transposed(u, g);
      unrolled<3>([&](int y) { rows[y][x] = g[y]; });
    });
    unrolled<3>([&](int y) {
      Lanes g[3];
      transform_taps_transposed(rows[y], g);
      unrolled<3>([&](int x) { store(dw + (3 * y + x) * point_floats + at, g[x]); });
    });
  }
}

// ---- tiles ----------------------------------------------------------------------------------

/// What of a tile's square of `Size` cells lies inside an image of [height, width].
struct TileWindow {
  int64_t y, x;  ///< of the tile's first cell; may be outside
  bool row[6], column[6];
  bool whole = true;

  template <int Height, int Width>
  static BRISK_INLINE TileWindow of(int64_t y, int64_t x, int64_t height, int64_t width) {
    TileWindow w;
    w.y = y, w.x = x;
    for (int i = 0; i < Height; ++i) w.row[i] = y + i >= 0 && y + i < height;
    for (int i = 0; i < Width; ++i) w.column[i] = x + i >= 0 && x + i < width;
    w.whole = w.row[0] && w.row[Height - 1] && w.column[0] && w.column[Width - 1];
    return w;
  }
  BRISK_INLINE bool has(bool known_whole, int i, int j) const {
    return known_whole || (row[i] && column[j]);
  }
};

/// Calls f.operator()<true or false>(): whether the window is whole.
template <typename F>
BRISK_INLINE void with_wholeness(const TileWindow& window, F&& f) {
  window.whole ? f.template operator()<true>() : f.template operator()<false>();
}

void transform_input(const WinogradShape& s, const float* input, TileRows rows, float* v) {
  for_each_tile(s, rows, [&]<int Height, int Width>(const Tile& tile) {
    const TilePoints<float> to(tile, v, s.input_pitch, s.input_point);
    const auto window = TileWindow::of<Height, Width>(4 * tile.down - s.pad_y,
                                                      4 * tile.across - s.pad_x, s.height, s.width);
    const float* image = input + tile.image * s.height * s.width * s.channels;
    const int64_t corner = (window.y * s.width + window.x) * s.channels;
    with_wholeness(window, [&]<bool Whole>() {
      for (int64_t c = 0; c < s.channels; c += kLanes) {
        Lanes columns[Height][Width];
        unrolled<Width>([&](int x) {
          Lanes d[Height], t[Height];
          unrolled<Height>([&](int y) {
            d[y] = window.has(Whole, y, x)
                       ? load(image + corner + (y * s.width + x) * s.channels + c)
                       : zero();
          });
          transform_data<Height>(d, t);
          unrolled<Height>([&](int y) { columns[y][x] = t[y]; });
        });
        unrolled<Height>([&](int y) {
          Lanes t[Width];
          transform_data<Width>(columns[y], t);
          unrolled<Width>([&](int x) { store(to.at<Height, Width>(y, x) + c, t[x]); });
        });
      }
    });
  });
}

void restore_result(const WinogradShape& s, const float* m, const WinogradEpilogue& epilogue,
                    TileRows rows, float* result) {
  for_each_tile(s, rows, [&]<int Height, int Width>(const Tile& tile) {
    const TilePoints<const float> from(tile, m, s.result_pitch, s.result_point);
    const auto window = TileWindow::of<Height - 2, Width - 2>(4 * tile.down, 4 * tile.across,
                                                              s.result_height, s.result_width);
    const int64_t corner =
        ((tile.image * s.result_height + window.y) * s.result_width + window.x) * s.result_channels;
    with_wholeness(window, [&]<bool Whole>() {
      for (int64_t f = 0; f < s.filters; f += kLanes) {
        const Lanes bias = epilogue.bias != nullptr ? load(epilogue.bias + f) : zero();
        Lanes columns[Height - 2][Width];
        unrolled<Width>([&](int x) {
          Lanes t[Height], y_values[Height - 2];
          unrolled<Height>([&](int y) { t[y] = load(from.at<Height, Width>(y, x) + f); });
          transform_result<Height>(t, y_values);
          unrolled<Height - 2>([&](int y) { columns[y][x] = y_values[y]; });
        });
        unrolled<Height - 2>([&](int y) {
          Lanes values[Width - 2];
          transform_result<Width>(columns[y], values);
          unrolled<Width - 2>([&](int x) {
            if (!window.has(Whole, y, x)) return;
            const int64_t at = corner + (y * s.result_width + x) * s.result_channels + f;
            Lanes value = values[x] + bias;
            if (epilogue.residual != nullptr) value += load(epilogue.residual + at);
            store(result + at, activated(value, epilogue.relu, epilogue.relu6));
          });
        });
      }
    });
  });
}

void transform_result_gradient(const WinogradShape& s, const float* gradient, TileRows rows,
                               float* m) {
  for_each_tile(s, rows, [&]<int Height, int Width>(const Tile& tile) {
    const TilePoints<float> to(tile, m, s.result_pitch, s.result_point);
    const auto window = TileWindow::of<Height - 2, Width - 2>(4 * tile.down, 4 * tile.across,
                                                              s.result_height, s.result_width);
    const float* corner =
        gradient +
        ((tile.image * s.result_height + window.y) * s.result_width + window.x) * s.filters;
    with_wholeness(window, [&]<bool Whole>() {
      for (int64_t f = 0; f < s.filters; f += kLanes) {
        Lanes columns[Height][Width - 2];
        unrolled<Width - 2>([&](int x) {
          Lanes y_values[Height - 2], t[Height];
          unrolled<Height - 2>([&](int y) {
            y_values[y] = window.has(Whole, y, x)
                              ? load(corner + (y * s.result_width + x) * s.filters + f)
                              : zero();
          });
          transform_result_transposed<Height>(y_values, t);
          unrolled<Height>([&](int y) { columns[y][x] = t[y]; });
        });
        unrolled<Height>([&](int y) {
          Lanes t[Width];
          transform_result_transposed<Width>(columns[y], t);
          unrolled<Width>([&](int x) { store(to.at<Height, Width>(y, x) + f, t[x]); });
        });
      }
    });
  });
}

void restore_input_gradient(const WinogradShape& s, const float* v, TileRows rows,
                            float* gradient) {
  for_each_tile(s, rows, [&]<int Height, int Width>(const Tile& tile) {
    const TilePoints<const float> from(tile, v, s.input_pitch, s.input_point);
    const auto window = TileWindow::of<Height, Width>(4 * tile.down - s.pad_y,
                                                      4 * tile.across - s.pad_x, s.height, s.width);
    float* image = gradient + tile.image * s.height * s.width * s.channels;
    const int64_t corner = (window.y * s.width + window.x) * s.channels;
    const bool has_above = tile.down > 0, has_left = tile.across > 0;
    with_wholeness(window, [&]<bool Whole>() {
      for (int64_t c = 0; c < s.channels; c += kLanes) {
        Lanes rows_of_tile[Height][Width];
        unrolled<Height>([&](int y) {
          Lanes t[Width];
          unrolled<Width>([&](int x) { t[x] = load(from.at<Height, Width>(y, x) + c); });
          transform_data_transposed<Width>(t, rows_of_tile[y]);
        });
        unrolled<Width>([&](int x) {
          Lanes t[Height], d[Height];
          unrolled<Height>([&](int y) { t[y] = rows_of_tile[y][x]; });
          transform_data_transposed<Height>(t, d);
          unrolled<Height>([&](int y) {
            if (!window.has(Whole, y, x)) return;
            float* to = image + corner + (y * s.width + x) * s.channels + c;
            // The first two rows and columns were written by the tiles before.
            const bool written = (y < 2 && has_above) || (x < 2 && has_left);
            store(to, written ? load(to) + d[y] : d[y]);
          });
        });
      }
    });
  });
}

// ---- products -------------------------------------------------------------------------------

/// c[point] = a[point] u[point], with `depth` columns of a and `columns` of c.
inline void multiply_points(const WinogradShape& s, TileRows rows, const float* a, int64_t a_pitch,
                            int64_t a_point, const float* u, int64_t depth, int64_t columns,
                            float* c, int64_t c_pitch, int64_t c_point) {
  for (int point = 0; point < kWinogradPoints; ++point) {
    const int64_t tiles = tiles_with_point(s, rows, point);
    for (int64_t column = 0; column < columns; column += kTileColumns) {
      const Panel panel = panel_of(column, {0, columns}, depth);
      const ProductOperands operands{.a = a + point * a_point,
                                     .a_pitch = a_pitch,
                                     .b = u + point * depth * columns + panel.offset,
                                     .b_pitch = panel.columns,
                                     .c = c + point * c_point + column,
                                     .c_pitch = c_pitch,
                                     .k = depth};
      if (panel.columns == kTileColumns)
        product_panel<kTileVectors, false, false>(tiles, operands);
      else
        product_panel<1, false, false>(tiles, operands);
    }
  }
}

void multiply(const WinogradShape& s, const float* v, const float* u, TileRows rows, float* m) {
  multiply_points(s, rows, v, s.input_pitch, s.input_point, u, s.channels, s.filters, m,
                  s.result_pitch, s.result_point);
}

void multiply_exchanged(const WinogradShape& s, const float* m, const float* u, TileRows rows,
                        float* v) {
  multiply_points(s, rows, m, s.result_pitch, s.result_point, u, s.filters, s.channels, v,
                  s.input_pitch, s.input_point);
}

void multiply_for_filter(const WinogradShape& s, const float* v, const float* m, TileRows rows,
                         int begin, int end, bool accumulate, float* du) {
  for (int point = begin; point < end; ++point) {
    const ProductOperands operands{.a = v + point * s.input_point,
                                   .a_pitch = s.input_pitch,
                                   .b = m + point * s.result_point,
                                   .b_pitch = s.result_pitch,
                                   .c = du + point * s.channels * s.filters,
                                   .c_pitch = s.filters,
                                   .k = tiles_with_point(s, rows, point)};
    accumulate ? product<true, true>(s.channels, s.filters, operands)
               : product<true, false>(s.channels, s.filters, operands);
  }
}

constexpr WinogradLoops kWinogradLoops{
    .panel_columns = kTileColumns,
    .transform_filter = transform_filter,
    .transform_filter_exchanged = transform_filter_exchanged,
    .restore_filter = restore_filter,
    .transform_input = transform_input,
    .multiply = multiply,
    .restore_result = restore_result,
    .transform_result_gradient = transform_result_gradient,
    .multiply_exchanged = multiply_exchanged,
    .restore_input_gradient = restore_input_gradient,
    .multiply_for_filter = multiply_for_filter,
};

}  // namespace
}  // namespace brisk::cpu
