#include "brisk/optimize/deploy.h"
#include "brisk/optimize/steps/steps.h"

namespace brisk {

DeploymentStep fold_step() {
  return {"folded weights", [](OptimizeContext& context, const Candidate& best) {
            Candidate folded = best;
            folded.deployment.folded = true;
            deploy(context, folded);
            return Result<Candidate>(folded);
          }};
}

}  // namespace brisk
