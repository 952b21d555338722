#pragma once

/// Points that are computed in every loop that reads them, rather than stored by one and read by
/// the others: x - mean, where the others can read x as well.

#include "brisk/passes/loop_clusters.h"

namespace brisk {

/// Sets `clusters.repeated`. A point is repeated when all its readers outside its loop are loops
/// that read it at their own points, computing it is cheap, and no reader reads more bytes than
/// before: what it needs of full size is no wider than the point, or read there anyway. Where that
/// is not so, its last steps are repeated if what they begin with is narrower than the point.
void repeat_points(const Graph& graph, const LoopForms& forms, LoopClusters& clusters);

}  // namespace brisk
