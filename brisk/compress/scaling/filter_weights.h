#pragma once

/// A product's stored weights, each by the channels that it goes from and to.

#include <algorithm>

#include "brisk/compress/quantize_plan.h"
#include "brisk/ir/op.h"

namespace brisk {

/// Calls `f(weight, input, output)` for each weight of `stored` f32, the filter of a product that
/// `plan` describes: `input` counts the channels of what it multiplies (of a matrix product all
/// contracted indices), `output` those of the result.
template <typename F>
void for_each_weight(const Node& product, const ProductPlan& plan, Tensor& stored, F&& f) {
  const auto weights = stored.data<float>();
  const auto& sizes = stored.sizes();
  if (product.op->name == "fused_convolution") {
    const int64_t outputs = sizes.back(), inputs = sizes[sizes.size() - 2],
                  made = outputs / groups_of(product);
    for (int64_t i = 0; i < stored.num_elements(); ++i) {
      const int64_t output = i % outputs;
      f(weights[static_cast<size_t>(i)], output / made * inputs + i / outputs % inputs, output);
    }
    return;
  }
  int64_t outputs = 1;
  const int64_t first = plan.transpose_filter ? 0 : plan.contracted_axes,
                last = plan.transpose_filter ? stored.rank() - plan.contracted_axes : stored.rank();
  for (int64_t axis = first; axis < last; ++axis) outputs *= sizes[static_cast<size_t>(axis)];
  const int64_t inputs = stored.num_elements() / std::max<int64_t>(outputs, 1);
  for (int64_t i = 0; i < stored.num_elements(); ++i)
    if (plan.transpose_filter)
      f(weights[static_cast<size_t>(i)], i % inputs, i / inputs);
    else
      f(weights[static_cast<size_t>(i)], i / outputs, i % outputs);
}

}  // namespace brisk
