#pragma once

/// Where a value is read at the points of an iteration space: for each of its axes an affine
/// function of the point. Moves compose such functions.

#include <optional>
#include <vector>

#include "brisk/ir/graph.h"

namespace brisk {

/// The points of a loop: their extents, and which axes are folded.
struct LoopSpace {
  std::vector<int64_t> sizes;
  std::vector<bool> folded;  ///< of each axis
};

/// The index along one axis of a value: offset + sum over axes a of strides[a] * point[a]. Axes of
/// extent 1 have stride 0, so that equal reads have equal views.
struct LoopIndex {
  int64_t offset = 0;
  std::vector<int64_t> strides;
  friend bool operator==(const LoopIndex&, const LoopIndex&) = default;
};
using LoopView = std::vector<LoopIndex>;

/// A value of the space's own shape, read at the point itself.
LoopView view_at_points(const LoopSpace& space);
/// A value with one element per kept index, read at the point's own: its axes are the kept ones,
/// with or without axes of extent 1 in the place of those folded. Nothing for another shape.
std::optional<LoopView> view_of_fold(const LoopSpace& space, const Shape& shape);
/// The view of a move's operand when its result is read under `view`. Nothing when the move is not
/// affine.
std::optional<LoopView> view_through_move(const Graph& graph, const Node& move,
                                          const LoopSpace& space, const LoopView& view);

}  // namespace brisk
