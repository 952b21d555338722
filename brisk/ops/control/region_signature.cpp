#include "brisk/ops/control/region_signature.h"

#include "brisk/base/error.h"

namespace brisk {

void require_inputs(std::string_view op, std::string_view role, const Graph& region,
                    std::span<const Type> types) {
  require(region.inputs().size() == types.size(), "[{}] {} '{}' takes {} inputs, but gets {}", op,
          role, region.name(), region.inputs().size(), types.size());
  for (size_t i = 0; i < types.size(); ++i)
    require(region.input_type(i) == types[i], "[{}] input '{}' of {} '{}' is {}, but gets {}", op,
            region.input_name(i), role, region.name(), region.input_type(i).to_string(),
            types[i].to_string());
}

void require_outputs(std::string_view op, std::string_view role, const Graph& region,
                     std::span<const Type> types) {
  require(region.outputs().size() == types.size(),
          "[{}] {} '{}' has {} outputs, but {} are expected", op, role, region.name(),
          region.outputs().size(), types.size());
  for (size_t i = 0; i < types.size(); ++i)
    require(region.output_type(i) == types[i],
            "[{}] output '{}' of {} '{}' is {}, but {} is expected", op, region.outputs()[i].name,
            role, region.name(), region.output_type(i).to_string(), types[i].to_string());
}

std::vector<Type> output_types(const Graph& region) {
  std::vector<Type> types;
  for (size_t i = 0; i < region.outputs().size(); ++i) types.push_back(region.output_type(i));
  return types;
}

}  // namespace brisk
