#include "brisk/backends/cpu/kernels/winograd/winograd_plan.h"

#include <algorithm>

namespace brisk::cpu {
namespace {

struct Tiling {
  int64_t count;
  bool short_last;
};

/// Tiles of 4 and, for a rest of one or two, a last one of 2.
Tiling tiling_of(int64_t extent) {
  const int64_t rest = extent % 4;
  return {(extent + 3) / 4, rest == 1 || rest == 2};
}

/// Floats between tiles. Not a large power of two, since columns of it are read across tiles.
int64_t pitch_of(int64_t channels) {
  return channels % 64 == 0 ? channels + 16 : channels;
}

/// Floats between points: one cache line more than a multiple of 4 KiB, so that the 36 streams of
/// one tile fall into different sets of the cache.
int64_t point_floats(int64_t tiles, int64_t pitch) {
  return (tiles * pitch + 1023) / 1024 * 1024 + 16;
}

double points_along(int64_t tiles, bool short_last) {
  return static_cast<double>(6 * tiles - (short_last ? 2 : 0));
}

}  // namespace

double WinogradPlan::product_rows() const {
  const auto images = static_cast<double>(tile_rows / shape.rows_down);
  return images * points_along(shape.rows_down, shape.short_last_row) *
         points_along(shape.tiles_across, shape.short_last_column);
}

WinogradPlan winograd_tiling(const ConvolutionCase& c) {
  const Tiling down = tiling_of(c.result_height), across = tiling_of(c.result_width);
  WinogradPlan plan;
  plan.shape = {.channels = c.channels,
                .filters = c.filters,
                .result_channels = c.filters,
                .height = c.height,
                .width = c.width,
                .result_height = c.result_height,
                .result_width = c.result_width,
                .pad_y = c.pad_y,
                .pad_x = c.pad_x,
                .rows_down = down.count,
                .tiles_across = across.count,
                .short_last_row = down.short_last,
                .short_last_column = across.short_last,
                .input_pitch = pitch_of(c.channels),
                .result_pitch = pitch_of(c.filters),
                .input_point = 0,
                .result_point = 0};
  plan.tile_rows = c.batch * down.count;
  return plan;
}

void set_winograd_block(WinogradPlan& plan, int64_t bytes, int64_t least_tiles, int64_t part_rows) {
  WinogradShape& s = plan.shape;
  const int64_t tile_bytes = kWinogradPoints * 4 * (s.channels + s.filters);
  const int64_t tiles = std::max(bytes / tile_bytes, least_tiles);
  const int64_t rows = std::clamp<int64_t>(tiles / s.tiles_across, 1, part_rows);
  const int64_t blocks = (part_rows + rows - 1) / rows;
  plan.block_rows = (part_rows + blocks - 1) / blocks;
  s.input_point = point_floats(plan.block_rows * s.tiles_across, s.input_pitch);
  s.result_point = point_floats(plan.block_rows * s.tiles_across, s.result_pitch);
  plan.input_floats = kWinogradPoints * s.input_point;
  plan.result_floats = kWinogradPoints * s.result_point;
}

ConvolutionCase as_forward_convolution(const ConvolutionCase& input_gradient) {
  ConvolutionCase c = input_gradient;
  c.role = ConvolutionCase::Role::forward;
  std::swap(c.channels, c.filters);
  std::swap(c.height, c.result_height);
  std::swap(c.width, c.result_width);
  c.pad_y = c.kernel_height - 1 - input_gradient.pad_y;
  c.pad_x = c.kernel_width - 1 - input_gradient.pad_x;
  c.pad_end_y = c.kernel_height - 1 - input_gradient.pad_end_y;
  c.pad_end_x = c.kernel_width - 1 - input_gradient.pad_end_x;
  return c;
}

TileRows part_of_rows(int64_t count, int64_t part, int64_t parts) {
  const auto begin = [&](int64_t i) { return count / parts * i + std::min(i, count % parts); };
  return {begin(part), begin(part + 1) - begin(part)};
}

}  // namespace brisk::cpu
