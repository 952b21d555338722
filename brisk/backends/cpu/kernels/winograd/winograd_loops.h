#pragma once

/// The inner loops of Winograd convolution (3x3, stride 1), one set per instruction set. Plain
/// structs and pointers: what stands behind is compiled with flags of its own (see lanes.h).
///
/// One convolution, NHWC, is cut into tiles of 4x4 results, with tiles of 2 at the far edges where
/// an extent leaves a rest of one or two. Each 6x6 (4x6, 4x4) patch of the input becomes 36 (24,
/// 16) points; point by point the tiles are multiplied with the transformed filter; the products
/// become results. All three convolutions (forward, input gradient, filter gradient) are made of
/// these steps and their transposes. Tiles go by rows of tiles: row `g` is row g % rows_down of
/// image g / rows_down.

#include <cstdint>

#include "brisk/backends/cpu/kernels/kernel_isa.h"

namespace brisk::cpu {

inline constexpr int kWinogradPoints = 36;

struct WinogradShape {
  int64_t channels, filters;  ///< multiples of 16
  int64_t result_channels;    ///< of the result tensor, of which these are `filters`
  int64_t height, width;      ///< of the input
  int64_t result_height, result_width;
  int64_t pad_y, pad_x;                    ///< before the input's first row and column; may be < 0
  int64_t rows_down, tiles_across;         ///< tiles per image in each direction
  bool short_last_row, short_last_column;  ///< the last tile has 2 results, not 4
  /// Transformed input [point][tile][channels] and transformed result [point][tile][filters]: the
  /// floats from one tile to the next and from one point to the next.
  int64_t input_pitch, result_pitch, input_point, result_point;
};

/// Rows of tiles [first, first + count). The transformed tensors hold the block of rows that begins
/// `skipped` rows before; products take whole blocks.
struct TileRows {
  int64_t first, count, skipped = 0;
};

/// Columns [begin, end) of a filter seen as a matrix.
struct ColumnRange {
  int64_t begin, end;
};

struct WinogradEpilogue {
  const float* bias;      ///< [filters] or null
  const float* residual;  ///< as the result, or null
  bool relu, relu6 = false;
};

struct WinogradLoops {
  /// Floats of one panel of a transformed filter are [depth][panel_columns].
  int panel_columns;

  /// w [3, 3, channels, filters] to u [point][panel of filters][channels][column], points `u_point`
  /// floats apart. u holds the filters `held`; those of `part` (in steps of 16) are written.
  void (*transform_filter)(const float* w, int64_t channels, int64_t filters, ColumnRange held,
                           ColumnRange part, float* u, int64_t u_point);
  /// The same with channels and filters exchanged, u [point][panel of channels][filters][column];
  /// ranges of channels. `flip`: taps in reverse order.
  void (*transform_filter_exchanged)(const float* w, int64_t channels, int64_t filters,
                                     ColumnRange held, ColumnRange part, bool flip, float* u,
                                     int64_t u_point);
  /// dw [3, 3, channels, filters] for channels [begin, end) from the sum of `parts` transformed
  /// gradients [point][channels][filters], `part_floats` apart.
  void (*restore_filter)(const float* du, int64_t parts, int64_t part_floats, int64_t channels,
                         int64_t filters, int64_t begin, int64_t end, float* dw);

  void (*transform_input)(const WinogradShape& s, const float* input, TileRows rows, float* v);
  /// m = v u.
  void (*multiply)(const WinogradShape& s, const float* v, const float* u, TileRows rows, float* m);
  void (*restore_result)(const WinogradShape& s, const float* m, const WinogradEpilogue& epilogue,
                         TileRows rows, float* result);

  /// Transposes: of restore_result (without epilogue), of multiply with respect to its left side
  /// (u exchanged), and of transform_input. The last one adds up overlapping tiles: one caller
  /// gives all rows of an image in order; places that no tile covers are not written.
  void (*transform_result_gradient)(const WinogradShape& s, const float* gradient, TileRows rows,
                                    float* m);
  void (*multiply_exchanged)(const WinogradShape& s, const float* m, const float* u, TileRows rows,
                             float* v);
  void (*restore_input_gradient)(const WinogradShape& s, const float* v, TileRows rows,
                                 float* gradient);

  /// du[point] (+)= v[point]^T m[point] for points [begin, end).
  void (*multiply_for_filter)(const WinogradShape& s, const float* v, const float* m, TileRows rows,
                              int begin, int end, bool accumulate, float* du);
};

const WinogradLoops& winograd_loops(KernelIsa isa);

}  // namespace brisk::cpu
