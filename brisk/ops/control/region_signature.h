#pragma once

/// Checks of regions against what their op gives and expects.

#include <string_view>

#include "brisk/ir/graph.h"

namespace brisk {

/// Refuses in the name of `op` unless the region takes inputs of these types.
void require_inputs(std::string_view op, std::string_view role, const Graph& region,
                    std::span<const Type> types);
/// Refuses in the name of `op` unless the region's outputs have these types.
void require_outputs(std::string_view op, std::string_view role, const Graph& region,
                     std::span<const Type> types);
std::vector<Type> output_types(const Graph& region);

}  // namespace brisk
