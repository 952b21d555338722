#pragma once

/// Products' weights rounded by what they are multiplied with, rather than each to the nearest
/// integer.

#include <map>
#include <span>
#include <string_view>

#include "brisk/compress/quantize_model.h"
#include "brisk/compress/quantize_plan.h"

namespace brisk {

enum class Rounding : uint8_t {
  nearest,
  gptq,  ///< each weight after what the earlier ones lost (round_second_order)
};
std::span<const std::string_view> enum_names(Rounding);

struct RoundFiltersOptions {
  Rounding rounding = Rounding::gptq;
  int threads = 0;  ///< 0: all cores
};

/// Integers of the filters of `products` of `folded` (plan_quantization, plan_row_products,
/// plan_tflite) on the grids of channel_scales, by the inputs that the float model gives them on
/// `data`; of no layer do they depend on which others are rounded. Empty for nearest.
RoundedFilters round_filters(const Model& folded, const std::map<NodeId, ProductPlan>& products,
                             const Dataset& data, const RoundFiltersOptions& options);

}  // namespace brisk
