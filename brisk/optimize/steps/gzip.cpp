#include "brisk/optimize/steps/steps.h"

namespace brisk {

DeploymentStep gzip_step() {
  return {"weights gzipped", [](OptimizeContext&, const Candidate& best) {
            Candidate packed = best;
            packed.deployment.gzipped = true;
            packed.note.clear();
            return Result<Candidate>(packed);
          }};
}

}  // namespace brisk
