#include "brisk/optimize/deploy.h"
#include "brisk/optimize/steps/steps.h"

// Matrix products whose inputs are rounded as they come: what transformers are made of, and no data
// is needed for it.

namespace brisk {
namespace {

double dynamic_int8_seconds(const OptimizeContext& context, const Candidate&) {
  return context.measuring_seconds;
}

}  // namespace

DeploymentStep dynamic_int8_step() {
  return {"dynamic int8",
          [](OptimizeContext& context, const Candidate& best) {
            return in_integers(context, best, NumberFormat::dynamic_int8);
          },
          dynamic_int8_seconds};
}

}  // namespace brisk
