#include "brisk/optimize/deploy.h"
#include "brisk/optimize/steps/steps.h"

namespace brisk {
namespace {

Status bfloat16_is_fast(const OptimizeContext& context, const Candidate&) {
  if (context.options.target == OptimizeTarget::size) return Success{};
  return (*find_backend(context.options.backend))->supports_fast(DType::bf16);
}

Result<Candidate> in_bfloat16_format(OptimizeContext& context, const Candidate& best) {
  Candidate converted = best;
  converted.deployment.format = NumberFormat::bf16;
  deploy(context, converted);
  return converted;
}

}  // namespace

DeploymentStep bfloat16_step() {
  return {.name = "bf16", .apply = in_bfloat16_format, .against = bfloat16_is_fast};
}

}  // namespace brisk
