#pragma once

/// How the inputs of a product's weights go together on given data.

#include <functional>
#include <map>

#include "brisk/compress/quantize_plan.h"
#include "brisk/data/dataset.h"
#include "brisk/nn/model.h"

namespace brisk {

/// Told of each product and its moments, f32 [groups, k, k]: the mean over examples and places of
/// x x^T, where x are the k inputs that an output's weights (filter_of) meet,
/// padding among them.
using SecondMomentVisitor = std::function<void(const ProductPlan& product, const Tensor& moments)>;

/// Of `products` of `folded`, in order, on `data` by the float model. Some hundred megabytes of
/// moments are held at a time: the model runs as often as that takes.
void for_each_second_moments(const Model& folded, const std::map<NodeId, ProductPlan>& products,
                             const Dataset& data, int threads, const SecondMomentVisitor& visit);

}  // namespace brisk
