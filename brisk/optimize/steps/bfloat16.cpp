#include "brisk/optimize/deploy.h"
#include "brisk/optimize/steps/steps.h"

namespace brisk {

DeploymentStep bfloat16_step() {
  return {"bf16", [](const OptimizeContext&, const Candidate&) { return 0.0; },
          [](OptimizeContext& context, const Candidate& best) -> Result<Candidate> {
            if (const Status fast =
                    (*find_backend(context.options.backend))->supports_fast(DType::bf16);
                !fast && context.options.target != OptimizeTarget::size)
              return fast.failure();
            Candidate converted = best;
            converted.deployment.format = NumberFormat::bf16;
            deploy(context, converted);
            return converted;
          }};
}

}  // namespace brisk
