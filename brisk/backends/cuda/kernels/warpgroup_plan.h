#pragma once

/// How the kernel of pointwise products goes through one on Hopper (warpgroup_text.h). Bytes,
/// unless it says elements or numbers.

#include "brisk/backends/cuda/kernels/pointwise_product.h"

namespace brisk::cuda {

/// What there is to choose.
struct WarpgroupForm {
  int64_t tile_columns = 128;  ///< elements: 64, 128 or 256
  /// Warpgroups on one tile. 1: each has tiles of its own, and the columns' whole depth stays in
  /// shared memory; 2: their tiles are of 128 rows, and the columns' slices come with the rows'.
  int64_t team = 1;
};

struct WarpgroupPlan : WarpgroupForm {
  static constexpr int64_t kGroups = 2;  ///< warpgroups that multiply, each 64 rows at a time
  static constexpr int64_t kLine = 128;  ///< of a slice of the depth, of a unit of columns
  static constexpr int64_t kUnit = 64 * kLine;  ///< 64 rows of one
  static constexpr int32_t kThreads = (kGroups + 1) * 128;

  int64_t slices = 0, tiles = 0, chunks = 0, parts = 0;
  int64_t stages = 0;  ///< of a ring
  int64_t pieces = 1;  ///< units of columns of an image that one stage takes
  /// Units of columns of results that lie in places of their own, of each warpgroup; none where
  /// results go over an image.
  int64_t staged = 0;

  int64_t rings() const { return kGroups / team; }
  bool resident() const { return team == 1; }
  int64_t stage_bytes() const { return team * kUnit + (resident() ? 0 : tile_columns * kLine); }
  int64_t resident_bytes() const { return resident() ? slices * tile_columns * kLine : 0; }
  int64_t shared_bytes(const PointwiseProduct& product) const;
  int64_t blocks() const { return chunks * parts; }
};

/// Nothing where the product does not fit: columns that are no multiple of the tile's, a depth that
/// leaves no room for a ring of some length.
std::optional<WarpgroupPlan> warpgroup_plan(const PointwiseProduct& product,
                                            const WarpgroupForm& form,
                                            const DeviceProperties& device);

/// The form that is the fastest by what was measured.
std::optional<WarpgroupPlan> warpgroup_plan(const PointwiseProduct& product,
                                            const DeviceProperties& device);

}  // namespace brisk::cuda
