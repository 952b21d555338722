#include "brisk/optimize/plain_passes.h"

#include <set>

#include "brisk/passes/pipeline.h"

namespace brisk {

std::vector<std::string> optional_passes() {
  std::set<std::string> names;
  for (const std::vector<Pass>& pipeline :
       {forward_pipeline(), differentiation_pipeline(), lowering_pipeline()})
    for (const Pass& pass : pipeline)
      if (!pass.required) names.insert(pass.name);
  return {names.begin(), names.end()};
}

}  // namespace brisk
