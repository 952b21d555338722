#pragma once

/// How a Winograd convolution is cut into blocks of tile rows.

#include "brisk/backends/cpu/kernels/convolution_case.h"
#include "brisk/backends/cpu/kernels/winograd/winograd_loops.h"

namespace brisk::cpu {

/// Tiles over `c`'s result, with transformed tensors for up to `block_rows` tile rows.
struct WinogradPlan {
  WinogradShape shape;
  int64_t tile_rows = 0;  ///< of all images
  int64_t block_rows = 0;
  int64_t input_floats = 0, result_floats = 0;  ///< of the transformed tensors of one block

  int64_t filter_floats() const { return kWinogradPoints * shape.channels * shape.filters; }
  /// Rows of the products: the sum over points of the tiles that have them.
  double product_rows() const;
};

/// A tiling without blocks yet.
WinogradPlan winograd_tiling(const ConvolutionCase& c);
/// Chooses block_rows for blocks of about `bytes`, but at least `least_tiles` tiles, that divide
/// `part_rows` tile rows evenly.
void set_winograd_block(WinogradPlan& plan, int64_t bytes, int64_t least_tiles, int64_t part_rows);

/// The convolution whose result is c's input gradient: over the result's gradient, with taps in
/// reverse order and channels and filters exchanged.
ConvolutionCase as_forward_convolution(const ConvolutionCase& input_gradient);

/// Part `part` of `parts` nearly equal, consecutive ranges of [0, count).
TileRows part_of_rows(int64_t count, int64_t part, int64_t parts);

}  // namespace brisk::cpu
