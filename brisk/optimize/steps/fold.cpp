#include "brisk/optimize/deploy.h"
#include "brisk/optimize/steps/steps.h"

namespace brisk {

DeploymentStep fold_step() {
  return {"folded weights", [](const OptimizeContext&, const Candidate&) { return 0.0; },
          [](OptimizeContext& context, const Candidate& best) -> Result<Candidate> {
            Candidate folded = best;
            folded.deployment.folded = true;
            deploy(context, folded);
            return folded;
          }};
}

}  // namespace brisk
