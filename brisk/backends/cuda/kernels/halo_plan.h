#pragma once

/// How a halo convolution is shared out: what of the image, of the filter and of the result lies in
/// shared memory, and which blocks take which tiles.

#include <optional>
#include <vector>

#include "brisk/backends/cuda/kernels/halo_convolution.h"

namespace brisk::cuda {

struct HaloPlan {
  static constexpr int64_t kLine = 128;         ///< bytes: 64 channels at a place
  static constexpr int64_t kUnit = 64 * kLine;  ///< 64 x 64 of the filter
  static constexpr int32_t kThreads = 3 * 128;  ///< two warpgroups that multiply, one that copies

  int64_t lines = 0;      ///< of a tile
  int64_t pitch = 0;      ///< places of a line with its halo
  int64_t positions = 0;  ///< of a tile, halo between its lines included: a multiple of 8, <= 256
  /// Warpgroups on one tile. 1: each has tiles of its own, and the whole filter (64 x 64 channels)
  /// stays in shared memory; 2: 64 of the result's channels each, and the filter comes in slices.
  int64_t team = 1;
  int64_t stages = 0;  ///< boxes of a ring
  int64_t slices = 0;  ///< of the filter that shared memory holds
  int64_t tiles = 0, chunks = 0, parts = 0;

  /// A place of the filter, and where in a box it begins to multiply: of 0 to 2 lines and columns.
  struct Tap {
    int64_t place, line, column;
  };
  std::vector<Tap> taps;                ///< phase after phase
  std::vector<int64_t> first_of = {0};  ///< tap of each phase, and the end
  /// Results at places that lie `stride` apart, from each of its offsets in turn.
  int64_t phases() const { return static_cast<int64_t>(first_of.size()) - 1; }

  bool resident() const { return team == 1; }
  /// Warpgroups with tiles of their own multiply in turns: a tile is one turn.
  bool turns() const { return resident() && phases() == 1; }
  int64_t rings() const { return 2 / team; }
  int64_t box_bytes() const { return (lines + 2) * pitch * kLine; }
  int64_t stage_bytes() const;
  int64_t staging_bytes(int64_t width) const;  ///< of one warpgroup
  int64_t shared_bytes(int64_t width) const;
  int64_t blocks() const { return chunks * parts; }
};

/// Nothing where it does not fit, or where too much of what is multiplied is halo.
std::optional<HaloPlan> halo_plan(const HaloConvolution& convolution,
                                  const DeviceProperties& device);

}  // namespace brisk::cuda
