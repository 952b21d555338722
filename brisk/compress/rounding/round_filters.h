#pragma once

/// Products' weights rounded by what they are multiplied with, rather than each to the nearest
/// integer.

#include <map>
#include <span>
#include <string_view>

#include "brisk/compress/block_rounding.h"
#include "brisk/compress/quantize_model.h"
#include "brisk/compress/quantize_plan.h"

namespace brisk {

enum class Rounding : uint8_t {
  nearest,
  gptq,      ///< each weight after what the earlier ones lost (round_second_order)
  adaround,  ///< up or down, learned by gradient descent (round_adaptively)
};
std::span<const std::string_view> enum_names(Rounding);

struct RoundFiltersOptions {
  Rounding rounding = Rounding::gptq;
  /// What weights are whole multiples of; of adaround by channel.
  WeightGrid grid = {};
  int64_t steps = 1000;  ///< of adaround, for each product
  int threads = 0;       ///< 0: all cores
};

/// Integers of the filters of `products` of `folded` (plan_quantization, plan_row_products,
/// plan_tflite) on the grids of channel_scales or block_steps, by the inputs that the float model
/// gives them on `data`; of no layer do they depend on which others are rounded. Empty for nearest.
RoundedFilters round_filters(const Model& folded, const std::map<NodeId, ProductPlan>& products,
                             const Dataset& data, const RoundFiltersOptions& options);

}  // namespace brisk
