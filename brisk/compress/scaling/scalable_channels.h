#pragma once

/// Which channels of a folded model can be made greater or smaller by the weights before them, so
/// that the weights behind them make up for it and the model computes the same.

#include <vector>

#include "brisk/compress/channel_units.h"
#include "brisk/compress/quantize_plan.h"

namespace brisk {

/// A product between the channels that it reads and those that it makes.
struct ScalableProduct {
  ProductPlan plan;
  AxisId inputs, outputs;
};

/// Channels of one class have one factor: what a convolution makes and a residual adds to it, an
/// index of a concatenation and the part that it came from, the places of a flattened image. A
/// class that is pinned has none.
struct ScalableChannels {
  UnitTable units;
  std::vector<ScalableProduct> products;
};

/// Read off the graph of `folded` (fold_weights): channels are followed through what is positively
/// homogeneous, ReLU, sums, pools, averages and what moves elements, between products with weights
/// of their own. ReLU6 pins what it cuts off, and every other op what it reads and makes.
ScalableChannels scalable_channels(const Program& folded);

}  // namespace brisk
