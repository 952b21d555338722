#include "brisk/optimize/steps/steps.h"

namespace brisk {

DeploymentStep gzip_step() {
  return {"weights gzipped", [](const OptimizeContext&, const Candidate&) { return 0.0; },
          [](OptimizeContext&, const Candidate& best) -> Result<Candidate> {
            Candidate packed = best;
            packed.deployment.gzipped = true;
            packed.note.clear();
            return packed;
          }};
}

}  // namespace brisk
