#pragma once

/// Where the time of inference goes, before and after.

#include "brisk/optimize/context.h"
#include "brisk/optimize/report/report.h"

namespace brisk {

/// The kernels of the folded f32 model and of the best one as it is served, by layer, in the order
/// of the graph.
std::vector<LayerBar> layer_bars(const OptimizeContext& context, const Candidate& best,
                                 int64_t batch_size);

}  // namespace brisk
