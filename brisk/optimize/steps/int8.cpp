#include "brisk/optimize/deploy.h"
#include "brisk/optimize/steps/steps.h"

namespace brisk {

DeploymentStep int8_step() {
  return {"int8",
          // Ranges are two passes of some hundred images; holding the budget, a few evaluations.
          [](const OptimizeContext& context, const Candidate&) {
            return 2 * context.measuring_seconds;
          },
          [](OptimizeContext& context, const Candidate& best) -> Result<Candidate> {
            Candidate integers = best;
            integers.deployment.format = NumberFormat::int8;
            deploy(context, integers);
            const bool any =
                std::any_of(integers.layers.begin(), integers.layers.end(),
                            [](const MeasuredLayer& row) { return row.layer.quantized; });
            if (!any) {
              std::string reason;
              for (const MeasuredLayer& row : integers.layers)
                if (reason.empty()) reason = row.layer.reason;
              return fail("no product is in int8 in the end{}",
                          reason.empty() ? "" : "; the first one stays float: " + reason);
            }
            return integers;
          }};
}

}  // namespace brisk
